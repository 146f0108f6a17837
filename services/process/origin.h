// What a site's audit log is called, in one process or in five: it keeps its name when the site goes from one to the
// other.
#pragma once

namespace trialog::process {

// The log's name in its checkpoints (C2SP tlog-checkpoint, "origin").
inline constexpr char kLogOrigin[] = "trialog/standalone";

}  // namespace trialog::process
