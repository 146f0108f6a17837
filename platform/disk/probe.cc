#include "platform/disk/probe.h"

namespace trialog::disk {

rocksdb::Status TryWriting(rocksdb::Env& env, const std::string& folder) {
  const std::string probe = folder + "/probe.tmp";
  const rocksdb::Status written = rocksdb::WriteStringToFile(&env, std::string(1 << 20, 'x'), probe, true);
  env.DeleteFile(probe).PermitUncheckedError();
  return written;
}

}  // namespace trialog::disk
