# SPDX-License-Identifier: Apache-2.0
# Completion of portcullis(1) for bash. Names are read from the run folder and the folder of configurations; nobody is
# asked and nothing waits.
_portcullis_engines() {
  local run=${PORTCULLIS_RUN_DIR:-/run/portcullis} config=${PORTCULLIS_CONFIG_DIR:-/etc/portcullis} path
  for path in "$run"/*.control "$run"/*.record "$config"/*.toml; do
    [[ -e $path ]] || continue
    path=${path##*/}
    printf '%s\n' "${path%.*}"
  done | sort -u
}

_portcullis() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local commands='status arm disarm halt clear resolve check audit run latch runbook preflight drill metrics diff config version'
  local command= word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ " $commands " == *" $word "* ]] && command=$word && break
  done
  case $previous in
    --config | --textfile | check | diff) COMPREPLY=($(compgen -f -- "$current")); return ;;
    --run-dir | --state-dir | --config-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
    --as) COMPREPLY=($(compgen -W 'cancelled filled rejected' -- "$current")); return ;;
    --reason | --head | --lane) return ;;
  esac
  local offered
  case $command in
    '') offered="$commands --run-dir --state-dir --config-dir --help" ;;
    status) offered="$(_portcullis_engines) --all --json" ;;
    arm | disarm | clear) offered="$(_portcullis_engines) --reason --json" ;;
    halt) offered="$(_portcullis_engines) --reason --json" ;;
    resolve) offered="$(_portcullis_engines) --as --reason --json" ;;
    latch) offered="$(_portcullis_engines) --trip --json" ;;
    runbook) offered=$(_portcullis_engines) ;;
    drill) offered="$(_portcullis_engines) --lane --engine --reason --json" ;;
    preflight) offered="$(_portcullis_engines) --json" ;;
    metrics) offered="$(_portcullis_engines) --textfile" ;;
    audit) offered="verify $(_portcullis_engines) --head --json" ;;
    config) offered='init' ;;
    run) offered='--config --arm --reason --' ;;
    check | diff)
      COMPREPLY=($(compgen -f -- "$current"))
      return ;;
    *) return ;;
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$current"))
}
complete -F _portcullis portcullis
