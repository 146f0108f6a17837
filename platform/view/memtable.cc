#include "platform/view/memtable.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "rocksdb/perf_level.h"
#include "rocksdb/slice.h"

namespace rocksdb {

// An iterator must be made in the arena that RocksDB hands over, a class that it does not publish. This function of it is
// all that is used; a RocksDB that lacks it does not link.
class Arena {
 public:
  char* AllocateAligned(size_t bytes, size_t huge_page_size, Logger* logger);
};

}  // namespace rocksdb

namespace trialog::view {
namespace {

constexpr int kMaxHeight = 12;
constexpr uint32_t kBranching = 4;
constexpr size_t kTrailer = 8;  // Sequence number and type.

// An internal key taken apart. Of equal user keys the larger trailer, the newer, comes first.
struct Key {
  const char* user;
  size_t size;
  const char* trailer() const { return user + size; }
};

uint64_t Number(const char* trailer) {
  uint64_t number = 0;
  for (int i = 7; i >= 0; --i) number = number << 8 | static_cast<unsigned char>(trailer[i]);
  return number;
}

Key KeyOf(const rocksdb::Slice& internal_key) { return {internal_key.data(), internal_key.size() - kTrailer}; }

// What stands in a memtable: the length of the internal key (varint), the key, and the value behind it.
Key KeyOf(const char* entry) {
  uint32_t size = 0;
  int shift = 0;
  unsigned char byte;
  do {
    byte = static_cast<unsigned char>(*entry++);
    size |= static_cast<uint32_t>(byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  return {entry, size - kTrailer};
}

bool Before(const Key& a, const Key& b) {
  const int order = std::memcmp(a.user, b.user, std::min(a.size, b.size));
  if (order != 0) return order < 0;
  if (a.size != b.size) return a.size < b.size;
  return Number(a.trailer()) > Number(b.trailer());
}

// An entry in its tower: the links of its levels stand before it, that of level 0 nearest.
class Node {
 public:
  using Link = std::atomic<Node*>;

  Link& link(int level) { return *(reinterpret_cast<Link*>(this) - 1 - level); }
  Node* Next(int level) { return link(level).load(std::memory_order_acquire); }
  const char* entry() const { return reinterpret_cast<const char*>(this); }
  Key key() const { return KeyOf(entry()); }
};

class SkipList {
 public:
  // `head`: a node of full height without an entry.
  explicit SkipList(Node* head) : head_(head) {
    for (int level = 0; level < kMaxHeight; ++level) new (&head_->link(level)) Node::Link(nullptr);
    std::fill(before_, before_ + kMaxHeight, head_);
  }

  // The writer's. `node` has room for `height` links.
  void Insert(Node* node, int height) {
    FindPlace(node->key());
    for (int level = 0; level < height; ++level) {
      new (&node->link(level)) Node::Link(before_[level]->link(level).load(std::memory_order_relaxed));
    }
    for (int level = 0; level < height; ++level) {
      before_[level]->link(level).store(node, std::memory_order_release);
      before_[level] = node;
    }
    if (height > height_.load(std::memory_order_relaxed)) height_.store(height, std::memory_order_relaxed);
    last_ = node;
  }

  Node* First() const { return head_->Next(0); }
  // The first node that is not before `key`; null when there is none.
  Node* NotBefore(const Key& key) const { return LastBefore(key)->Next(0); }
  // The last node before `key`; the head when there is none.
  Node* LastBefore(const Key& key) const {
    Node* node = head_;
    const Node* bigger = nullptr;  // Known not to be before the key.
    for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; --level) {
      Node* next = node->Next(level);
      while (next != nullptr && next != bigger && Before(next->key(), key)) {
        node = next;
        next = node->Next(level);
      }
      bigger = next;
    }
    return node;
  }
  // The last of all; the head when there is none.
  Node* Last() const {
    Node* node = head_;
    for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; --level) {
      while (Node* next = node->Next(level)) node = next;
    }
    return node;
  }
  bool IsHead(const Node* node) const { return node == head_; }

 private:
  // Sets before_ to the nodes that a node with this key follows. Begins where the last one was put: up to the first level
  // at which that is the place for this key too, then down again.
  void FindPlace(const Key& key) {
    if (last_ == nullptr) return;
    const int height = height_.load(std::memory_order_relaxed);
    const bool forward = Before(last_->key(), key);
    int level = 0;
    for (const Node* passed = nullptr; level < height; ++level) {
      Node* node = forward ? before_[level]->Next(level) : before_[level];
      if (node == (forward ? nullptr : head_)) break;
      if (node == passed) continue;
      if (Before(node->key(), key) != forward) break;
      passed = node;
    }
    Node* from = level < height ? before_[level] : head_;
    const Node* bigger = level < height ? from->Next(level) : nullptr;  // Known not to be before the key.
    bool moved = !forward;
    while (--level >= 0) {
      if (!moved) from = before_[level];  // Before the last key, so before this one.
      Node* next = from->Next(level);
      for (; next != nullptr && next != bigger && Before(next->key(), key); next = from->Next(level)) {
        from = next;
        moved = true;
      }
      before_[level] = from;
      bigger = next;
    }
  }

  Node* const head_;
  std::atomic<int> height_{1};
  // The writer's: where the last node was put.
  Node* last_ = nullptr;
  Node* before_[kMaxHeight];
};

class Cursor final : public rocksdb::MemTableRep::Iterator {
 public:
  explicit Cursor(const SkipList& list) : list_(list) {}

  bool Valid() const override { return node_ != nullptr; }
  const char* key() const override { return node_->entry(); }
  void Next() override { node_ = node_->Next(0); }
  void Prev() override { Set(list_.LastBefore(node_->key())); }
  void Seek(const rocksdb::Slice& internal_key, const char* entry) override {
    node_ = list_.NotBefore(entry != nullptr ? KeyOf(entry) : KeyOf(internal_key));
  }
  void SeekForPrev(const rocksdb::Slice& internal_key, const char* entry) override {
    const Key key = entry != nullptr ? KeyOf(entry) : KeyOf(internal_key);
    node_ = list_.NotBefore(key);
    if (node_ == nullptr || Before(key, node_->key())) Set(list_.LastBefore(key));
  }
  void SeekToFirst() override { node_ = list_.First(); }
  void SeekToLast() override { Set(list_.Last()); }

 private:
  void Set(Node* node) { node_ = list_.IsHead(node) ? nullptr : node; }

  const SkipList& list_;
  Node* node_ = nullptr;
};

class Memtable final : public rocksdb::MemTableRep {
 public:
  explicit Memtable(rocksdb::Allocator* allocator) : MemTableRep(allocator), list_(Place(kMaxHeight, 1)) {}

  rocksdb::KeyHandle Allocate(const size_t size, char** entry) override {
    const int height = RandomHeight();
    Node* node = Place(height, size);
    new (&node->link(0)) uintptr_t(static_cast<uintptr_t>(height));  // Until it is inserted.
    *entry = reinterpret_cast<char*>(node);
    return node;
  }
  void Insert(rocksdb::KeyHandle handle) override {
    Node* node = static_cast<Node*>(handle);
    list_.Insert(node, static_cast<int>(*std::launder(reinterpret_cast<uintptr_t*>(&node->link(0)))));
  }
  bool Contains(const char* entry) const override {
    const Node* node = list_.NotBefore(KeyOf(entry));
    return node != nullptr && !Before(KeyOf(entry), node->key());
  }
  size_t ApproximateMemoryUsage() override { return 0; }  // All of it is the allocator's.
  Iterator* GetIterator(rocksdb::Arena* arena) override {
    if (arena == nullptr) return new Cursor(list_);
    return new (arena->AllocateAligned(sizeof(Cursor), 0, nullptr)) Cursor(list_);
  }

 private:
  // Room for an entry of `size` bytes, and `height` links before it.
  Node* Place(int height, size_t size) {
    const size_t links = static_cast<size_t>(height) * sizeof(Node::Link);
    char* room = nullptr;
    MemTableRep::Allocate(links + size + alignof(Node::Link) - 1, &room);
    const auto entry = reinterpret_cast<uintptr_t>(room) + links;
    constexpr uintptr_t kMask = alignof(Node::Link) - 1;
    return reinterpret_cast<Node*>((entry + kMask) & ~kMask);
  }
  int RandomHeight() {
    int height = 1;
    for (; height < kMaxHeight; ++height) {
      random_ ^= random_ << 13;
      random_ ^= random_ >> 17;
      random_ ^= random_ << 5;
      if (random_ % kBranching != 0) break;
    }
    return height;
  }

  SkipList list_;
  uint32_t random_ = 0x9747b28c;  // The writer's. Any will do but 0.
};

class Factory final : public rocksdb::MemTableRepFactory {
 public:
  const char* Name() const override { return "trialog.Memtable"; }
  rocksdb::MemTableRep* CreateMemTableRep(const rocksdb::MemTableRep::KeyComparator&, rocksdb::Allocator* allocator,
                                          const rocksdb::SliceTransform*, rocksdb::Logger*) override {
    return new Memtable(allocator);
  }
};

}  // namespace

std::shared_ptr<rocksdb::MemTableRepFactory> MemtableFactory() { return std::make_shared<Factory>(); }

void CountNothing() {
  thread_local bool told = false;
  if (!std::exchange(told, true)) rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
}

}  // namespace trialog::view
