// A plain HTTP client for tests of what listens on the loopback address.
#pragma once

#include <string>
#include <string_view>

namespace trialog::testing {

// All that the server answers to these bytes until it ends the connection; empty when there is no connection.
std::string HttpSend(int port, std::string_view request);

// The same for a request of HTTP/1.0 without headers.
std::string HttpGet(int port, std::string_view path, std::string_view method = "GET");

}  // namespace trialog::testing
