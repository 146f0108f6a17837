// How much one page of a list holds: so many rows, and so many bytes, since an answer is at most 4 MiB
// (platform/rpc/server.h) and a record may be of 512 KiB. The page after it goes on behind the last row taken.
#pragma once

#include <string_view>

#include "platform/view/state.h"

namespace trialog::service {

class Page {
 public:
  static constexpr size_t kMaxBytes = 2 << 20;

  explicit Page(size_t max_rows) : max_rows_(max_rows) {}

  // Takes a row of about that many bytes. False: it is one for the next page. The first always fits.
  bool Take(size_t bytes) {
    if (rows_ > 0 && (rows_ == max_rows_ || bytes_ + bytes > kMaxBytes)) return false;
    ++rows_;
    bytes_ += bytes;
    return true;
  }
  size_t rows() const { return rows_; }

 private:
  const size_t max_rows_;
  size_t rows_ = 0, bytes_ = 0;
};

// About as much as an answer with the row takes; what is sealed is no shorter than what it hides.
inline size_t AnswerBytes(std::string_view name, const view::Row& row) {
  return name.size() + (row.resource ? row.resource->ByteSizeLong() : 0) + row.sealed.ByteSizeLong();
}

}  // namespace trialog::service
