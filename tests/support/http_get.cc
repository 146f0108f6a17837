#include "tests/support/http_get.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/text/text.h"

namespace trialog::testing {

std::string HttpSend(int port, std::string_view request) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    // The server may end the connection before it has read all.
    for (ssize_t n; !request.empty() && (n = send(fd, request.data(), request.size(), MSG_NOSIGNAL)) > 0;) {
      request.remove_prefix(static_cast<size_t>(n));
    }
    char buffer[4096];
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) answer.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return answer;
}

std::string HttpGet(int port, std::string_view path, std::string_view method) {
  return HttpSend(port, Cat(method, ' ', path, " HTTP/1.0\r\n\r\n"));
}

}  // namespace trialog::testing
