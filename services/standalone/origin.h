// What a standalone's audit log is called.
#pragma once

namespace trialog::standalone {

// The log's name in its checkpoints (C2SP tlog-checkpoint, "origin").
inline constexpr char kLogOrigin[] = "trialog/standalone";

}  // namespace trialog::standalone
