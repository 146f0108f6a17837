// Public pages over HTTP/1.1, in the clear: GET and HEAD. README.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace trialog::http {

struct Page {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string cache_control = "no-store";
  std::string body;
};

class PageServer {
 public:
  // The page of a path, which begins with '/', without its query. Called from several threads at once; throws nothing.
  using Handler = std::function<Page(std::string_view path)>;

  // INVALID_ARGUMENT, HTTP_ADDRESS, for an address that ListeningAddress does not take; UNAVAILABLE, ADDRESS_IN_USE,
  // when it cannot listen there. Port 0: any.
  static absl::StatusOr<std::unique_ptr<PageServer>> Start(const std::string& address, Handler handler);
  // No call to the handler after it.
  ~PageServer();

  int port() const;

 private:
  struct Impl;
  explicit PageServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trialog::http
