#include "platform/http/address.h"

#include <charconv>
#include <cstdint>

#include "platform/text/text.h"

namespace trialog::http {
namespace {

bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string ListeningAddress(std::string_view address) {
  if (IsPort(address)) return Cat("127.0.0.1:", address);
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || !IsPort(address.substr(colon + 1))) return {};
  const std::string_view host = address.substr(0, colon);
  if (host.empty() || host == "localhost") return Cat("127.0.0.1:", address.substr(colon + 1));
  const bool numeric =
      host.front() == '['
          ? host.back() == ']' && host.find_first_not_of("[]0123456789abcdefABCDEF:.") == std::string_view::npos
          : host.find_first_not_of("0123456789.") == std::string_view::npos;
  return numeric ? std::string(address) : std::string();
}

}  // namespace trialog::http
