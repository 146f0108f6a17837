// Where an HTTP server listens, as flags say it.
#pragma once

#include <string>
#include <string_view>

namespace trialog::http {

// "host:port" with a numeric host, or a port alone, which means the loopback address, as the server wants it. Empty for
// anything else.
std::string ListeningAddress(std::string_view address);

}  // namespace trialog::http
