// Whether a disk that failed takes writes again.
#pragma once

#include <string>

#include "rocksdb/env.h"
#include "rocksdb/status.h"

namespace trialog::disk {

// Writes a file of 1 MiB into `folder`, syncs it and deletes it.
rocksdb::Status TryWriting(rocksdb::Env& env, const std::string& folder);

}  // namespace trialog::disk
