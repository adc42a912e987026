// STUN binding requests and their answers, as ICE-lite needs them (RFC 8489, RFC 8445 section 2.5).
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "address.h"
#include "bytes.h"

namespace plane {

struct BindingRequest {
  const uint8_t* transaction = nullptr;  // 12 bytes
  std::string_view local_ufrag;          // the part of USERNAME before the colon: ours
  bool use_candidate = false;
  size_t integrity_offset = 0;  // of the MESSAGE-INTEGRITY attribute
};

// Parses without trusting: nullopt for whatever is not a well-formed binding request with USERNAME and
// MESSAGE-INTEGRITY. The integrity itself is checked by `authentic`, once the password is known.
std::optional<BindingRequest> parse_binding_request(View datagram);
bool authentic(View datagram, const BindingRequest& request, std::string_view password);

// MESSAGE-INTEGRITY over what comes before that attribute, with the length as if the message ended with it.
std::array<uint8_t, 20> integrity_of(View message_before, std::string_view password);

// Writes a binding success response for `mapped` and returns its size, at most 96 bytes.
size_t write_binding_response(uint8_t* out, const BindingRequest& request, const Address& mapped,
                              std::string_view password);

}  // namespace plane
