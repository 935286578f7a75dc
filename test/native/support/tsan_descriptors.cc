// For the thread sanitizer only: keeps it from modelling descriptors. It assumes that a number
// names the same file in every thread, which private descriptor tables make untrue: it would report
// races between unrelated sockets (and crash on them). Here the calls that it intercepts for that
// purpose go straight to the kernel. It makes the sanitizer stricter, not laxer: what one thread
// tells another through a socket no longer counts as ordering memory.
#if defined(__SANITIZE_THREAD__)
#define ROOKERY_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROOKERY_THREAD_SANITIZER
#endif
#endif

#if defined(ROOKERY_THREAD_SANITIZER)

#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

// Declared here instead of by the system's headers, whose signatures carry attributes that differ
// between versions; the calling convention is all that matters.
struct msghdr;
struct iovec;
struct sockaddr;
struct epoll_event;

#define ROOKERY_DIRECT __attribute__((visibility("default")))

extern "C" {

ROOKERY_DIRECT int socket(int family, int type, int protocol) noexcept {
  return static_cast<int>(syscall(SYS_socket, family, type, protocol));
}
ROOKERY_DIRECT int socketpair(int family, int type, int protocol, int* pair) noexcept {
  return static_cast<int>(syscall(SYS_socketpair, family, type, protocol, pair));
}
ROOKERY_DIRECT int connect(int descriptor, const sockaddr* address, unsigned length) {
  return static_cast<int>(syscall(SYS_connect, descriptor, address, length));
}
ROOKERY_DIRECT int bind(int descriptor, const sockaddr* address, unsigned length) noexcept {
  return static_cast<int>(syscall(SYS_bind, descriptor, address, length));
}
ROOKERY_DIRECT int listen(int descriptor, int backlog) noexcept {
  return static_cast<int>(syscall(SYS_listen, descriptor, backlog));
}
ROOKERY_DIRECT int accept(int descriptor, sockaddr* address, unsigned* length) {
  return static_cast<int>(syscall(SYS_accept4, descriptor, address, length, 0));
}
ROOKERY_DIRECT int accept4(int descriptor, sockaddr* address, unsigned* length, int flags) {
  return static_cast<int>(syscall(SYS_accept4, descriptor, address, length, flags));
}
ROOKERY_DIRECT int dup(int descriptor) noexcept {
  return static_cast<int>(syscall(SYS_dup, descriptor));
}
ROOKERY_DIRECT int dup3(int from, int to, int flags) noexcept {
  return static_cast<int>(syscall(SYS_dup3, from, to, flags));
}
ROOKERY_DIRECT int pipe2(int* pair, int flags) noexcept {
  return static_cast<int>(syscall(SYS_pipe2, pair, flags));
}
ROOKERY_DIRECT int eventfd(unsigned count, int flags) noexcept {
  return static_cast<int>(syscall(SYS_eventfd2, count, flags));
}
ROOKERY_DIRECT int close(int descriptor) {
  return static_cast<int>(syscall(SYS_close, descriptor));
}

ROOKERY_DIRECT int epoll_create1(int flags) noexcept {
  return static_cast<int>(syscall(SYS_epoll_create1, flags));
}
ROOKERY_DIRECT int epoll_ctl(int epoll, int operation, int descriptor,
                             epoll_event* event) noexcept {
  return static_cast<int>(syscall(SYS_epoll_ctl, epoll, operation, descriptor, event));
}
ROOKERY_DIRECT int epoll_wait(int epoll, epoll_event* events, int capacity, int timeout_ms) {
  return static_cast<int>(
      syscall(SYS_epoll_pwait, epoll, events, capacity, timeout_ms, nullptr, std::size_t{8}));
}

ROOKERY_DIRECT ssize_t read(int descriptor, void* into, std::size_t size) {
  return syscall(SYS_read, descriptor, into, size);
}
ROOKERY_DIRECT ssize_t write(int descriptor, const void* from, std::size_t size) {
  return syscall(SYS_write, descriptor, from, size);
}
ROOKERY_DIRECT ssize_t send(int descriptor, const void* from, std::size_t size, int flags) {
  return syscall(SYS_sendto, descriptor, from, size, flags, nullptr, 0);
}
ROOKERY_DIRECT ssize_t recv(int descriptor, void* into, std::size_t size, int flags) {
  return syscall(SYS_recvfrom, descriptor, into, size, flags, nullptr, nullptr);
}
ROOKERY_DIRECT ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
  return syscall(SYS_sendmsg, descriptor, message, flags);
}
ROOKERY_DIRECT ssize_t recvmsg(int descriptor, msghdr* message, int flags) {
  return syscall(SYS_recvmsg, descriptor, message, flags);
}

}  // extern "C"

#endif
