// Key bytes that do not outlive their use: 32 bytes, zeroed when destroyed.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace trialog::sealing {

// A symmetric key of 256 bits. A copy is a second place that is zeroed on its own; a moved-from key is zero. Never
// printed: there is no operator<< and none may be added.
class SecretKey {
 public:
  static constexpr size_t kSize = 32;

  // All zero; a key to be assigned.
  SecretKey() = default;
  // `bytes` must be kSize long; nullopt otherwise. The caller still owns, and should zero, what it passed.
  static std::optional<SecretKey> FromBytes(std::string_view bytes);

  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&& other) noexcept;
  ~SecretKey();

  std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, kSize> bytes_{};
};

// Overwrites a string that held key bytes, its unused capacity included, and empties it. The compiler does not remove
// it.
void Wipe(std::string& secret);

}  // namespace trialog::sealing
