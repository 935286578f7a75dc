// The only door between Node and the engine, and the only includer of napi.h: start, submit,
// onBatch, stats, metricsHelp, drain, stop. Nothing here knows what a record means.
//
// Who owns what. One engine per process lives in the slot below; the instance of the addon that
// started it (in the main environment) owns the way back to JavaScript: a callback and a wake.
// JavaScript -> engine is copied during the call. Engine -> JavaScript is one buffer per batch,
// borrowed during the callback and detached after it. Workers may load the addon and submit; they
// never receive.
//
// Order of destruction. stop(): take the engine out of the slot (no further submit finds it), join
// its threads, hand over their last events, release the wake. The environment's end: the same from
// its clean-up hook, which was registered after the wake and therefore runs before the wake's own,
// without the last events. exit(): the same from atexit, because Node runs no clean-up hooks
// there. A worker's end frees nothing but that worker's instance.
#include <napi.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <thread>

#include "boundary/boundary.gen.h"
#include "codec/jid.h"
#include "engine/engine.h"

namespace rookery {
namespace {

/// One callback gets at most about this much; a longer record still comes whole.
constexpr std::size_t max_batch_bytes = 256 * 1024;
/// After this long the event loop gets its turn before the next batch.
constexpr std::chrono::milliseconds max_delivery_time{5};

/// Makes the main thread take the events. Shard threads may not call into Node themselves: its
/// wake-up writes to a descriptor, and a shard's descriptor table is its own, so that number is
/// somebody else's there or nobody's. A thread on the main table calls for them; they wake it
/// through memory.
class Wake {
 public:
  ~Wake() { close(); }

  /// Main thread. The context is given to `woken`, on the main thread, after an ask().
  napi_status open(napi_env env, void* context, napi_threadsafe_function_call_js woken) {
    const napi_status status = napi_create_threadsafe_function(
        env, nullptr, nullptr, Napi::String::New(env, "rookery events"), 0, 1, nullptr, nullptr,
        context, woken, &function_);
    if (status == napi_ok) relay_ = std::thread([this] { relay(); });
    return status;
  }

  /// Any thread, after its events can be taken.
  void ask() {
    // An ask that finds one under way must not have been read before its events were visible.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    State expected = State::idle;
    if (state_.compare_exchange_strong(expected, State::asked)) state_.notify_one();
  }

  /// Main thread, before it takes events: those that come later need an ask of their own.
  void taking() {
    State expected = State::posted;
    state_.compare_exchange_strong(expected, State::idle);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }

  /// Main thread. Nothing is posted afterwards.
  void close() {
    if (!relay_.joinable()) return;
    state_.store(State::closed);
    state_.notify_one();
    relay_.join();
  }

  /// Main thread, after close() and only while the environment lives, which else does it.
  void release() { napi_release_threadsafe_function(function_, napi_tsfn_abort); }

 private:
  enum class State : int { idle, asked, posted, closed };

  void relay() {
    pthread_setname_np(pthread_self(), "rookery-wake");
    for (;;) {
      State seen = state_.load();
      if (seen == State::closed) return;
      if (seen != State::asked) {
        state_.wait(seen);
      } else if (state_.compare_exchange_strong(seen, State::posted)) {
        // Fails only when the environment is going away, and then nobody waits for the events.
        napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
      }
    }
  }

  napi_threadsafe_function function_ = nullptr;
  std::thread relay_;
  std::atomic<State> state_{State::idle};
};

class Instance;

/// The engine of this process. Submitting threads share the lock for the length of one call, so
/// that the engine neither ends under them nor is destroyed by them.
struct EngineSlot {
  std::shared_mutex mutex;
  std::unique_ptr<Engine> engine;
  Instance* owner = nullptr;  ///< Main thread only.
};

/// Never destroyed: a worker may still submit while static objects are destroyed.
EngineSlot& slot() {
  static auto* const process_slot = new EngineSlot;
  return *process_slot;
}

bool on_main_thread() { return gettid() == getpid(); }

std::string_view bytes_argument(const Napi::CallbackInfo& info, const char* where,
                                const char* what) {
  if (info.Length() < 1 || !info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(
        info.Env(), std::string(where) + ": the argument must be a " + "Uint8Array with " + what);
  }
  const auto array = info[0].As<Napi::Uint8Array>();
  return {reinterpret_cast<const char*>(array.Data()), array.ByteLength()};
}

/// Says where in a refused batch the trouble lies.
std::string describe_invalid(std::string_view batch) {
  std::string_view rest = batch;
  boundary::RecordHeader header;
  std::string_view record;
  while (boundary::next_record(rest, header, record)) {
    boundary::Route ignored;
    if (boundary::route(record, ignored)) continue;
    return "no command of kind " + std::to_string(header.kind) +
           " begins like the record at byte " + std::to_string(record.data() - batch.data());
  }
  if (!rest.empty()) {
    return "no whole record at byte " + std::to_string(rest.data() - batch.data()) + " of " +
           std::to_string(batch.size());
  }
  return "the engine refused a record of the batch";
}

/// The addon in one environment.
class Instance : public Napi::Addon<Instance> {
 public:
  Instance(Napi::Env env, Napi::Object exports) : env_(env) {
    DefineAddon(exports, {
                             InstanceMethod("start", &Instance::start),
                             InstanceMethod("submit", &Instance::submit),
                             InstanceMethod("onBatch", &Instance::on_batch),
                             InstanceMethod("stats", &Instance::stats),
                             InstanceMethod("metricsHelp", &Instance::metrics_help),
                             InstanceMethod("drain", &Instance::drain),
                             InstanceMethod("stop", &Instance::stop),
                             InstanceMethod("normalise", &Instance::normalise),
                         });
    exports.Set("boundaryHash", Napi::BigInt::New(env, boundary::boundary_hash));
  }

  /// Ends the engine without calling JavaScript, when the environment or the process ends.
  static void end_process_engine() {
    Instance* const owner = slot().owner;
    if (owner != nullptr) owner->end_engine(/*deliver_last=*/false);
  }

 private:
  void require_main(const char* where) const {
    if (on_main_thread()) return;
    throw Napi::Error::New(env_, std::string(where) + ": only the main thread may call this; " +
                                     "a worker can submit and read stats");
  }

  void require_owner(const char* where) const {
    require_main(where);
    if (slot().owner == this) return;
    throw Napi::Error::New(
        env_,
        std::string(where) + (slot().owner == nullptr ? ": the engine is not running"
                                                      : ": another copy of the addon runs it"));
  }

  void start(const Napi::CallbackInfo& info) {
    require_main("start");
    boundary::EngineConfig config;
    if (!boundary::EngineConfig::decode(bytes_argument(info, "start", "an EngineConfig record"),
                                        config)) {
      throw Napi::RangeError::New(env_, "start: the bytes are no EngineConfig record");
    }
    if (slot().owner != nullptr) {
      throw Napi::Error::New(env_, "start: an engine runs already in this process; stop it first");
    }
    auto wake = std::make_shared<Wake>();
    if (wake->open(env_, this, &Instance::woken) != napi_ok) {
      throw Napi::Error::New(env_, "start: no thread-safe function");
    }
    std::string error;
    std::unique_ptr<Engine> engine = Engine::start(
        config, [wake] { wake->ask(); }, error);
    if (engine == nullptr) {
      wake->close();
      wake->release();
      throw Napi::Error::New(env_, "start: " + error);
    }
    wake_ = std::move(wake);
    {
      const std::unique_lock lock(slot().mutex);
      slot().engine = std::move(engine);
    }
    slot().owner = this;
    napi_add_env_cleanup_hook(env_, &Instance::end_environment, this);
    // Registered after whatever the engine's libraries registered, so that it runs before them.
    static const bool registered = std::atexit(&Instance::end_process_engine) == 0;
    (void)registered;
  }

  Napi::Value submit(const Napi::CallbackInfo& info) {
    const std::string_view batch = bytes_argument(info, "submit", "command records");
    const std::shared_lock lock(slot().mutex);
    if (slot().engine == nullptr) {
      throw Napi::Error::New(env_, "submit: the engine is not running");
    }
    switch (slot().engine->submit(batch)) {
      case Engine::SubmitResult::ok: return Napi::Boolean::New(env_, true);
      case Engine::SubmitResult::full: return Napi::Boolean::New(env_, false);
      case Engine::SubmitResult::invalid: break;
    }
    throw Napi::RangeError::New(env_, "submit: " + describe_invalid(batch));
  }

  void on_batch(const Napi::CallbackInfo& info) {
    require_main("onBatch");
    if (info.Length() < 1 || !info[0].IsFunction()) {
      throw Napi::TypeError::New(env_, "onBatch: the argument must be a function");
    }
    callback_ = Napi::Persistent(info[0].As<Napi::Function>());
    // What has come before there was a callback waits in the engine.
    if (wake_ != nullptr) wake_->ask();
  }

  Napi::Value stats(const Napi::CallbackInfo&) {
    const std::shared_lock lock(slot().mutex);
    if (slot().engine == nullptr) throw Napi::Error::New(env_, "stats: the engine is not running");
    return Napi::String::New(env_, slot().engine->stats_json());
  }

  Napi::Value metrics_help(const Napi::CallbackInfo&) {
    return Napi::String::New(env_, Engine::metrics_help_json());
  }

  void drain(const Napi::CallbackInfo&) {
    require_owner("drain");
    slot().engine->drain();
  }

  void stop(const Napi::CallbackInfo&) {
    require_main("stop");
    if (slot().owner == nullptr) return;
    require_owner("stop");
    if (delivering_) {
      throw Napi::Error::New(env_, "stop: not inside the callback of onBatch; stop a tick later");
    }
    end_engine(/*deliver_last=*/true);
  }

  /// Any thread, with or without an engine: one part of an address as the engine writes it, or
  /// undefined. The control plane has no rules of its own for names beyond ASCII.
  Napi::Value normalise(const Napi::CallbackInfo& info) {
    if (info.Length() < 2 || !info[0].IsNumber() || !info[1].IsString()) {
      throw Napi::TypeError::New(env_, "normalise: the arguments must be an AddressPart and text");
    }
    const std::string text = info[1].As<Napi::String>().Utf8Value();
    std::string normal;
    bool good = false;
    switch (static_cast<boundary::AddressPart>(info[0].As<Napi::Number>().Uint32Value())) {
      case boundary::AddressPart::local: good = normalise_localpart(text, normal); break;
      case boundary::AddressPart::domain: good = normalise_domain(text, normal); break;
      case boundary::AddressPart::resource: good = normalise_resource(text, normal); break;
      default: throw Napi::RangeError::New(env_, "normalise: no such part of an address");
    }
    if (!good) return env_.Undefined();
    return Napi::String::New(env_, normal);
  }

  void end_engine(bool deliver_last) {
    std::unique_ptr<Engine> engine;
    {
      const std::unique_lock lock(slot().mutex);
      engine = std::move(slot().engine);
    }
    slot().owner = nullptr;
    engine->stop();
    wake_->close();
    if (!deliver_last) return;
    napi_remove_env_cleanup_hook(env_, &Instance::end_environment, this);
    while (deliver_one(*engine)) {
    }
    wake_->release();
    wake_.reset();
  }

  static void end_environment(void* self) {
    auto* const instance = static_cast<Instance*>(self);
    if (slot().owner == instance) instance->end_engine(/*deliver_last=*/false);
  }

  /// The main thread, some time after a wake.
  static void woken(napi_env env, napi_value, void* self, void*) {
    if (env == nullptr) return;  // The environment is going away.
    auto* const instance = static_cast<Instance*>(self);
    if (slot().owner != instance) return;
    const Napi::HandleScope scope(instance->env_);
    instance->wake_->taking();
    instance->deliver();
  }

  /// Hands batches over until there is none, or until the event loop should have its turn.
  void deliver() {
    const auto until = std::chrono::steady_clock::now() + max_delivery_time;
    while (slot().owner == this && deliver_one(*slot().engine)) {
      if (std::chrono::steady_clock::now() < until) continue;
      // A wake from here would be served before the loop goes on; an immediate is not.
      const auto again = Napi::Function::New(env_, [this](const Napi::CallbackInfo&) {
        if (!delivering_) deliver();
      });
      env_.Global().Get("setImmediate").As<Napi::Function>().Call({again});
      return;
    }
  }

  /// One batch to the callback. False when there was none, or nobody to give it to.
  bool deliver_one(Engine& engine) {
    if (callback_.IsEmpty()) return false;
    events_.clear();
    if (engine.take_events(events_, max_batch_bytes) == 0) return false;
    const Napi::HandleScope scope(env_);
    Napi::ArrayBuffer memory = Napi::ArrayBuffer::New(env_, events_.size());
    std::memcpy(memory.Data(), events_.data(), events_.size());
    delivering_ = true;
    try {
      callback_.Call({Napi::Uint8Array::New(env_, events_.size(), memory, 0)});
    } catch (const Napi::Error& error) {
      // Nobody above could catch it: it goes where exceptions of timers go.
      napi_fatal_exception(env_, error.Value());
    }
    delivering_ = false;
    memory.Detach();
    return true;
  }

  Napi::Env env_;
  Napi::FunctionReference callback_;
  std::shared_ptr<Wake> wake_;  ///< While this instance owns the engine.
  std::string events_;          ///< The memory of the batches, kept between them.
  bool delivering_ = false;
};

}  // namespace
}  // namespace rookery

// Registers the addon; NODE_API_NAMED_ADDON cannot take a name with a namespace.
using RookeryInstance = rookery::Instance;
NODE_API_NAMED_ADDON(rookery, RookeryInstance)
