// SPDX-License-Identifier: Apache-2.0
/// @file Where QuickFIX 1.15.1 keeps a session's socket, and how bytes get into it.
/// A session writes through its Responder, a private member; explicit template instantiation may name it,
/// which is legal, checked at compile time, and was right in every logon and reconnect (scanning descriptors
/// was ambiguous for 7 of 8 sessions to one address). Both connection classes inherit Responder privately, so
/// that no dynamic_cast finds them: the exact type is compared instead, and any other type (TLS, the user's
/// own) has no descriptor for us.
#pragma once
#include <poll.h>
#include <quickfix/Responder.h>
#include <quickfix/Session.h>
#include <quickfix/SocketConnection.h>
#include <quickfix/ThreadedSocketConnection.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <typeinfo>

namespace portcullis {
namespace quickfix {

template <typename Tag, typename Tag::type Member>
struct Unlock {
  friend typename Tag::type member_of(Tag) { return Member; }
};
struct SessionResponder {
  using type = FIX::Responder* FIX::Session::*;
  friend type member_of(SessionResponder);
};
template struct Unlock<SessionResponder, &FIX::Session::m_pResponder>;

/// The session's Responder; to be touched only under the session's mutex (that is: in toAdmin and toApp).
inline FIX::Responder*& responder_of(FIX::Session& session) { return session.*member_of(SessionResponder()); }

/// What a Responder is. A descriptor of -1 means that it cannot be witnessed.
struct Transport {
  int fd = -1;
  bool threaded = false;  ///< its own send() repeats a partial write wrongly: write to fd instead
};

inline Transport transport_of(FIX::Responder& responder) {
  Transport transport;
  const std::type_info& type = typeid(responder);
  if (type == typeid(FIX::SocketConnection)) {
    transport.fd =
        ((FIX::SocketConnection&)responder).getSocket();  // C cast: the base is private, the type is certain
  } else if (type == typeid(FIX::ThreadedSocketConnection)) {
    transport.fd = ((FIX::ThreadedSocketConnection&)responder).getSocket();
    transport.threaded = true;
  }
  return transport;
}

/// How much of a message the kernel took.
enum class Written { all, some, nothing };

/// Writes all of it, as the blocking socket that it is: a peer that does not read holds the caller, as it
/// would in QuickFIX itself, and the missing beats tell. Ends early only when the connection does.
inline Written write_all(int fd, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t taken = ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (taken > 0) {
      done += static_cast<std::size_t>(taken);
    } else if (taken < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd writable = {fd, POLLOUT, 0};
      ::poll(&writable, 1, 1000);  // its errors come back from send
    } else if (taken == 0 || errno != EINTR) {
      return done == 0 ? Written::nothing : Written::some;
    }
  }
  return Written::all;
}

}  // namespace quickfix
}  // namespace portcullis
