#include "platform/http/page_server.h"

#include <civetweb.h>

#include <cstring>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/http/address.h"
#include "platform/text/text.h"

namespace trialog::http {
namespace {

Page Answer(const PageServer::Handler& handler, const mg_request_info& request) {
  const std::string_view method = request.request_method == nullptr ? "" : request.request_method;
  if (method != "GET" && method != "HEAD") return {.status = 405, .body = "only GET and HEAD\n"};
  if (request.local_uri == nullptr || request.local_uri[0] != '/') return {.status = 404, .body = "no such page\n"};
  return handler(request.local_uri);
}

// Takes every request, so that the server's own ways to find files and scripts are never gone.
int OnRequest(mg_connection* connection) {
  const mg_request_info& request = *mg_get_request_info(connection);
  const Page page = Answer(*static_cast<PageServer::Handler*>(request.user_data), request);
  // Public pages: a page of any other site may read them too.
  const std::string head =
      Cat("HTTP/1.1 ", page.status, ' ', mg_get_response_code_text(connection, page.status),
          "\r\nContent-Type: ", page.content_type, "\r\nContent-Length: ", page.body.size(),
          "\r\nCache-Control: ", page.cache_control,
          "\r\nAccess-Control-Allow-Origin: *\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
  mg_write(connection, head.data(), head.size());
  if (std::strcmp(request.request_method, "HEAD") != 0) mg_write(connection, page.body.data(), page.body.size());
  return page.status;
}

int DropLine(const mg_connection*, const char*) { return 1; }

}  // namespace

struct PageServer::Impl {
  Handler handler;
  mg_context* context = nullptr;
  int port = 0;
};

absl::StatusOr<std::unique_ptr<PageServer>> PageServer::Start(const std::string& address, Handler handler) {
  const std::string listening = ListeningAddress(address);
  if (listening.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "HTTP_ADDRESS",
                  Cat("'", address, "' must be a port, or a numeric host and a port, as in 127.0.0.1:8080"));
  }
  auto impl = std::make_unique<Impl>();
  impl->handler = std::move(handler);
  mg_callbacks callbacks = {};
  callbacks.begin_request = OnRequest;
  callbacks.log_message = DropLine;
  callbacks.log_access = DropLine;
  const char* options[] = {"listening_ports",
                           listening.c_str(),
                           "num_threads",
                           "4",
                           "request_timeout_ms",
                           "5000",
                           "max_request_size",
                           "8192",
                           "enable_keep_alive",
                           "no",
                           "tcp_nodelay",
                           "1",
                           nullptr};
  impl->context = mg_start(&callbacks, &impl->handler, options);
  mg_server_port port = {};
  if (impl->context == nullptr || mg_get_server_ports(impl->context, 1, &port) != 1) {
    if (impl->context != nullptr) mg_stop(impl->context);
    return RetryLater(absl::StatusCode::kUnavailable, "ADDRESS_IN_USE",
                      Cat("cannot listen on '", address, "': in use, or not of this machine"), absl::Seconds(1));
  }
  impl->port = port.port;
  return std::unique_ptr<PageServer>(new PageServer(std::move(impl)));
}

PageServer::PageServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PageServer::~PageServer() { mg_stop(impl_->context); }

int PageServer::port() const { return impl_->port; }

}  // namespace trialog::http
