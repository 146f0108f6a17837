// rocksdb_dump FOLDER: writes every key and value of every family of each RocksDB below FOLDER to standard output,
// whole and one behind the other, as RocksDB decodes them from its files and write-ahead logs; on standard error, how
// many of each family. Knows nothing of what is in them. The raw files do not show whole keys: a table leaves out what
// a key shares with the one before.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "rocksdb/db.h"

namespace {

namespace fs = std::filesystem;

bool Write(const rocksdb::Slice& bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() && std::fputc('\n', stdout) != EOF;
}

rocksdb::Status DumpFamily(rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family, const std::string& path) {
  size_t entries = 0;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(rocksdb::ReadOptions(), &family));
  for (it->SeekToFirst(); it->Valid(); it->Next(), ++entries) {
    if (!Write(it->key()) || !Write(it->value())) return rocksdb::Status::IOError("standard output");
  }
  std::fprintf(stderr, "%s %s %zu\n", path.c_str(), family.GetName().c_str(), entries);
  return it->status();
}

rocksdb::Status Dump(const std::string& path) {
  rocksdb::Options options;
  std::vector<std::string> names;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(options, path, &names);
  if (!status.ok()) return status;
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) descriptors.emplace_back(name, options);
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  rocksdb::DB* opened = nullptr;
  status = rocksdb::DB::OpenForReadOnly(options, path, descriptors, &families, &opened);
  if (!status.ok()) return status;
  const std::unique_ptr<rocksdb::DB> db(opened);
  for (rocksdb::ColumnFamilyHandle* family : families) {
    if (status.ok()) status = DumpFamily(*db, *family, path);
    db->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: rocksdb_dump FOLDER\n", stderr);
    return 2;
  }
  size_t databases = 0;
  for (const auto& entry : fs::recursive_directory_iterator(argv[1])) {
    if (entry.path().filename() != "CURRENT") continue;
    ++databases;
    if (const rocksdb::Status status = Dump(entry.path().parent_path()); !status.ok()) {
      std::fprintf(stderr, "%s: %s\n", entry.path().parent_path().c_str(), status.ToString().c_str());
      return 1;
    }
  }
  return databases == 0 ? 1 : 0;
}
