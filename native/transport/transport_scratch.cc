// TransportScratch, and the BIO that reads from a string_view and appends to a string.
#include "transport/transport_scratch.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "transport/aead_contexts.h"
#include "transport/noise_crypto.h"
#include "transport/openssl_init.h"

namespace rookery {

/// The callbacks of the BIO. OpenSSL sees an endless stream that has nothing more for the moment.
struct ScratchBio {
  static TransportScratch& scratch(BIO* bio) {
    return *static_cast<TransportScratch*>(BIO_get_data(bio));
  }

  static int read(BIO* bio, char* out, std::size_t size, std::size_t* got) {
    std::string_view& input = scratch(bio).input_;
    BIO_clear_retry_flags(bio);
    *got = std::min(size, input.size());
    if (*got == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    std::memcpy(out, input.data(), *got);
    input.remove_prefix(*got);
    return 1;
  }

  static int write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
    scratch(bio).output_->append(data, size);
    BIO_clear_retry_flags(bio);
    *written = size;
    return 1;
  }

  static long control(BIO* bio, int command, long number, void* pointer) {
    static_cast<void>(bio), static_cast<void>(number), static_cast<void>(pointer);
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static BIO_METHOD* make_method() {
    BIO_METHOD* const method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "rookery scratch");
    if (method == nullptr) throw std::bad_alloc();
    BIO_meth_set_read_ex(method, read);
    BIO_meth_set_write_ex(method, write);
    BIO_meth_set_ctrl(method, control);
    BIO_meth_set_create(method, create);
    return method;
  }

  /// Never freed: a BIO of any thread may use it until the process ends.
  static BIO_METHOD* method() {
    static BIO_METHOD* const shared = make_method();
    return shared;
  }
};

TransportScratch::TransportScratch(const TransportScratchOptions& options) : options_(options) {
  init_openssl();
  aead_ = std::make_unique<AeadContexts>();
  noise_ = std::make_unique<NoiseCrypto>(options.random);
  bio_ = BIO_new(ScratchBio::method());
  if (bio_ == nullptr) throw std::bad_alloc();
  BIO_set_data(bio_, this);
}

TransportScratch::~TransportScratch() { BIO_free(bio_); }

TransportScratch::BioLoan::BioLoan(TransportScratch& scratch, ssl_st* ssl, std::string_view wire,
                                   std::string& wire_out)
    : scratch_(scratch), ssl_(ssl) {
  scratch_.input_ = wire;
  scratch_.output_ = &wire_out;
  BIO_up_ref(scratch_.bio_);
  SSL_set0_rbio(ssl_, scratch_.bio_);
  BIO_up_ref(scratch_.bio_);
  SSL_set0_wbio(ssl_, scratch_.bio_);
}

TransportScratch::BioLoan::~BioLoan() {
  SSL_set0_rbio(ssl_, nullptr);
  SSL_set0_wbio(ssl_, nullptr);
  scratch_.input_ = {};
  scratch_.output_ = nullptr;
}

}  // namespace rookery
