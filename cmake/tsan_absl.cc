// ThreadSanitizer does not see what Debian's Abseil, which is not instrumented, synchronises with its mutexes. The
// linker sends our calls of them (--wrap, cmake/Toolchain.cmake) through here, and each tells the sanitizer what it
// does.
#include <sanitizer/tsan_interface.h>

namespace {

constexpr unsigned kWriter = 0;
constexpr unsigned kReader = __tsan_mutex_read_lock;

// As absl::Duration is passed.
struct Duration {
  long seconds;
  unsigned quarters_of_nanoseconds;
};

template <typename Real>
void Locked(void* mutex, unsigned kind, Real real) {
  __tsan_mutex_pre_lock(mutex, kind);
  real(mutex);
  __tsan_mutex_post_lock(mutex, kind, 0);
}

template <typename Real>
void Unlocked(void* mutex, unsigned kind, Real real) {
  __tsan_mutex_pre_unlock(mutex, kind);
  real(mutex);
  __tsan_mutex_post_unlock(mutex, kind);
}

}  // namespace

extern "C" {

void __real__ZN4absl7debian35Mutex4LockEv(void*);
void __wrap__ZN4absl7debian35Mutex4LockEv(void* mutex) { Locked(mutex, kWriter, __real__ZN4absl7debian35Mutex4LockEv); }

bool __real__ZN4absl7debian35Mutex7TryLockEv(void*);
bool __wrap__ZN4absl7debian35Mutex7TryLockEv(void* mutex) {
  __tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock);
  const bool locked = __real__ZN4absl7debian35Mutex7TryLockEv(mutex);
  __tsan_mutex_post_lock(mutex, __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
  return locked;
}

void __real__ZN4absl7debian35Mutex6UnlockEv(void*);
void __wrap__ZN4absl7debian35Mutex6UnlockEv(void* mutex) {
  Unlocked(mutex, kWriter, __real__ZN4absl7debian35Mutex6UnlockEv);
}

void __real__ZN4absl7debian35Mutex10ReaderLockEv(void*);
void __wrap__ZN4absl7debian35Mutex10ReaderLockEv(void* mutex) {
  Locked(mutex, kReader, __real__ZN4absl7debian35Mutex10ReaderLockEv);
}

void __real__ZN4absl7debian35Mutex12ReaderUnlockEv(void*);
void __wrap__ZN4absl7debian35Mutex12ReaderUnlockEv(void* mutex) {
  Unlocked(mutex, kReader, __real__ZN4absl7debian35Mutex12ReaderUnlockEv);
}

// Waits unlocked and comes back locked. Whoever holds the mutex evaluates the condition, so that is left unseen.
void __real__ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE(void*, const void*);
void __wrap__ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE(void* mutex, const void* condition) {
  Unlocked(mutex, kWriter,
           [condition](void* self) { __real__ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE(self, condition); });
  Locked(mutex, kWriter, [](void*) {});
}

bool __real__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(void*, const void*, Duration);
bool __wrap__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(void* mutex, const void* condition,
                                                                                     Duration timeout) {
  bool holds = false;
  Unlocked(mutex, kWriter, [&](void* self) {
    holds = __real__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(self, condition, timeout);
  });
  Locked(mutex, kWriter, [](void*) {});
  return holds;
}

void __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(void*, void*);
void __wrap__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(void* variable, void* mutex) {
  Unlocked(mutex, kWriter,
           [variable](void* self) { __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(variable, self); });
  Locked(mutex, kWriter, [](void*) {});
}

bool __real__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(void*, void*, Duration);
bool __wrap__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(void* variable, void* mutex,
                                                                                 Duration timeout) {
  bool timed_out = false;
  Unlocked(mutex, kWriter, [&](void* self) {
    timed_out = __real__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(variable, self, timeout);
  });
  Locked(mutex, kWriter, [](void*) {});
  return timed_out;
}

void __real__ZN4absl7debian35MutexD1Ev(void*);
void __wrap__ZN4absl7debian35MutexD1Ev(void* mutex) {
  __tsan_mutex_destroy(mutex, 0);
  __real__ZN4absl7debian35MutexD1Ev(mutex);
}

// Its first member is the mutex; unlocking happens within the library.
void __real__ZN4absl7debian319ReleasableMutexLock7ReleaseEv(void**);
void __wrap__ZN4absl7debian319ReleasableMutexLock7ReleaseEv(void** lock) {
  Unlocked(*lock, kWriter, [lock](void*) { __real__ZN4absl7debian319ReleasableMutexLock7ReleaseEv(lock); });
}

void __real__ZN4absl7debian312Notification6NotifyEv(void*);
void __wrap__ZN4absl7debian312Notification6NotifyEv(void* notification) {
  __tsan_release(notification);
  __real__ZN4absl7debian312Notification6NotifyEv(notification);
}
void __real__ZNK4absl7debian312Notification19WaitForNotificationEv(void*);
void __wrap__ZNK4absl7debian312Notification19WaitForNotificationEv(void* notification) {
  __real__ZNK4absl7debian312Notification19WaitForNotificationEv(notification);
  __tsan_acquire(notification);
}

bool __real__ZN4absl7debian315BlockingCounter14DecrementCountEv(void*);
bool __wrap__ZN4absl7debian315BlockingCounter14DecrementCountEv(void* counter) {
  __tsan_release(counter);
  return __real__ZN4absl7debian315BlockingCounter14DecrementCountEv(counter);
}
void __real__ZN4absl7debian315BlockingCounter4WaitEv(void*);
void __wrap__ZN4absl7debian315BlockingCounter4WaitEv(void* counter) {
  __real__ZN4absl7debian315BlockingCounter4WaitEv(counter);
  __tsan_acquire(counter);
}

}  // extern "C"
