#include "platform/view/row_codec.h"

#include <google/protobuf/io/coded_stream.h>

#include "platform/errors/errors.h"

namespace trialog::view {
namespace {

using google::protobuf::io::CodedOutputStream;

// Tags of the proto's fields; wire type 2 is length-delimited, 0 a varint.
constexpr uint32_t kResourceTag = 1 << 3 | 2;
constexpr uint32_t kSealedTag = 2 << 3 | 2;
constexpr uint32_t kMetaTag = 3 << 3 | 2;
constexpr uint32_t kDeletedTag = 4 << 3 | 0;
constexpr size_t kMostBeside = 3 * (1 + 5) + 2;  // Tags, lengths and the flag.

uint8_t* Write(uint32_t tag, const google::protobuf::Message& message, size_t size, uint8_t* to) {
  to = CodedOutputStream::WriteVarint32ToArray(tag, to);
  to = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(size), to);
  return message.SerializeWithCachedSizesToArray(to);
}

}  // namespace

void AppendRow(const Row& row, std::string& out) {
  const bool has_sealed = row.sealed.fields_size() + row.sealed.keys_size() > 0;
  const size_t resource = row.resource ? row.resource->ByteSizeLong() : 0;
  const size_t sealed = has_sealed ? row.sealed.ByteSizeLong() : 0;
  const size_t meta = row.meta.ByteSizeLong();
  const size_t before = out.size();
  out.resize(before + resource + sealed + meta + kMostBeside);
  auto* const start = reinterpret_cast<uint8_t*>(out.data());
  uint8_t* to = start + before;
  if (resource > 0) to = Write(kResourceTag, *row.resource, resource, to);
  if (has_sealed) to = Write(kSealedTag, row.sealed, sealed, to);
  to = Write(kMetaTag, row.meta, meta, to);
  if (!row.resource) {
    to = CodedOutputStream::WriteVarint32ToArray(kDeletedTag, to);
    *to++ = 1;
  }
  out.resize(static_cast<size_t>(to - start));
}

absl::StatusOr<RowPtr> ParseRow(const Table& table, std::string_view bytes) {
  const auto damaged = [](std::string_view what) { return Refuse(absl::StatusCode::kDataLoss, "STORE_DAMAGED", what); };
  event::v1::Row stored;
  if (!stored.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return damaged("a row does not parse; rebuild the store from the log");
  }
  auto row = std::make_shared<Row>();
  row->sealed = std::move(*stored.mutable_sealed());
  row->meta = std::move(*stored.mutable_meta());
  if (!stored.deleted()) {
    std::shared_ptr<google::protobuf::Message> resource(table.prototype->New());
    if (!resource->ParseFromString(stored.resource())) {
      return damaged("a resource does not parse; rebuild the store from the log");
    }
    row->resource = std::move(resource);
  }
  return row;
}

}  // namespace trialog::view
