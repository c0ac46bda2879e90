// SPDX-License-Identifier: Apache-2.0
/// @file The messages that an engine rendered for one session, compiled: what a take-over speaks with. Made when the
/// engine registers, one of each type; a later one takes the place of the earlier.
#pragma once
#include "watchdog/takeover_outbound.hpp"

namespace portcullis {

struct SessionTemplates {
  TakeoverTemplate cancel;          ///< 35=F
  TakeoverTemplate mass_cancel;     ///< 35=q
  TakeoverTemplate status_request;  ///< 35=H
  TemplateError refused = TemplateError::ok;  ///< why the last text that could not be used could not

  TemplateError keep(std::string_view text, std::uint64_t rendered_ns) noexcept {
    TakeoverTemplate compiled;
    const TemplateError error = compiled.compile(text, rendered_ns);
    if (error != TemplateError::ok) return refused = error;
    switch (compiled.kind()) {
      case TemplateKind::cancel: cancel = compiled; break;
      case TemplateKind::mass_cancel: mass_cancel = compiled; break;
      case TemplateKind::status_request: status_request = compiled; break;
    }
    return TemplateError::ok;
  }
  /// Those that are there.
  [[nodiscard]] TakeoverTemplates usable() const noexcept {
    const auto held = [](const TakeoverTemplate& one) { return one.empty() ? nullptr : &one; };
    return {held(cancel), held(mass_cancel), held(status_request)};
  }
};

}  // namespace portcullis
