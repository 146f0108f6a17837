#include "platform/sealing/aead.h"

#include <openssl/evp.h>

#include <memory>

#include "platform/sealing/bytes.h"
#include "platform/sealing/openssl_check.h"

namespace trialog::sealing {
namespace {

constexpr char kName[] = "AES-256-GCM";

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

const EVP_CIPHER* FetchedCipher() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, kName, nullptr);
  return cipher;
}

// The context holds the expanded key while it is in use and is reset when the scope ends.
class CipherScope {
 public:
  CipherScope() : context_(ThreadContext()) {}
  ~CipherScope() { EVP_CIPHER_CTX_reset(context_); }
  CipherScope(const CipherScope&) = delete;
  CipherScope& operator=(const CipherScope&) = delete;
  EVP_CIPHER_CTX* get() const { return context_; }

 private:
  static EVP_CIPHER_CTX* ThreadContext() {
    thread_local const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context(EVP_CIPHER_CTX_new());
    return context.get();
  }
  EVP_CIPHER_CTX* context_;
};

}  // namespace

std::string AeadSeal(const SecretKey& key, std::string_view nonce, std::string_view associated_data,
                     std::string_view plaintext) {
  MustSucceed(nonce.size() == kNonceSize, kName);
  CipherScope cipher;
  std::string out(plaintext.size() + kTagSize, '\0');
  int length = 0;
  MustSucceed(EVP_EncryptInit_ex2(cipher.get(), FetchedCipher(), Bytes(key.bytes()), Bytes(nonce), nullptr), kName);
  MustSucceed(EVP_EncryptUpdate(cipher.get(), nullptr, &length, Bytes(associated_data),
                                static_cast<int>(associated_data.size())),
              kName);
  MustSucceed(
      EVP_EncryptUpdate(cipher.get(), Bytes(out), &length, Bytes(plaintext), static_cast<int>(plaintext.size())),
      kName);
  MustSucceed(EVP_EncryptFinal_ex(cipher.get(), Bytes(out) + length, &length), kName);
  MustSucceed(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagSize, Bytes(out) + plaintext.size()), kName);
  return out;
}

std::optional<std::string> AeadOpen(const SecretKey& key, std::string_view nonce, std::string_view associated_data,
                                    std::string_view ciphertext) {
  if (nonce.size() != kNonceSize || ciphertext.size() < kTagSize) return std::nullopt;
  const std::string_view body = ciphertext.substr(0, ciphertext.size() - kTagSize);
  std::string tag(ciphertext.substr(body.size()));
  CipherScope cipher;
  std::string out(body.size(), '\0');
  int length = 0;
  MustSucceed(EVP_DecryptInit_ex2(cipher.get(), FetchedCipher(), Bytes(key.bytes()), Bytes(nonce), nullptr), kName);
  MustSucceed(EVP_DecryptUpdate(cipher.get(), nullptr, &length, Bytes(associated_data),
                                static_cast<int>(associated_data.size())),
              kName);
  MustSucceed(EVP_DecryptUpdate(cipher.get(), Bytes(out), &length, Bytes(body), static_cast<int>(body.size())), kName);
  MustSucceed(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()), kName);
  if (EVP_DecryptFinal_ex(cipher.get(), Bytes(out) + length, &length) != 1) {
    Wipe(out);  // Not authenticated: nobody may see it.
    return std::nullopt;
  }
  return out;
}

}  // namespace trialog::sealing
