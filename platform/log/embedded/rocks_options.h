// How the embedded log sets RocksDB up, with the reasons.
#pragma once

#include <memory>

#include "rocksdb/options.h"

namespace trialog::log::embedded {

rocksdb::Options RocksOptions(rocksdb::Env* env, bool compress, std::shared_ptr<rocksdb::EventListener> listener);

}  // namespace trialog::log::embedded
