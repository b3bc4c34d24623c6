/* Plays /dev/dma_heap/system for libcamera where the kernel has none: a buffer is a memfd.
 *
 * LD_PRELOAD it. Numbers are those of linux/dma-heap.h and linux/dma-buf.h.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct allocation {
    uint64_t len;
    uint32_t fd;
    uint32_t fd_flags;
    uint64_t heap_flags;
};

#define HEAP "/dev/dma_heap/system"
#define ALLOCATE _IOWR('H', 0, struct allocation)
#define BUFFER_TYPE 'b' /* naming and syncing a buffer: nothing to be done for memory */

static int heap_or(const char *path, int flags, mode_t mode, const char *name) {
    if (strcmp(path, HEAP) == 0) return memfd_create("heap", MFD_CLOEXEC);
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
    return real(path, flags, mode);
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return heap_or(path, flags, mode, "open");
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return heap_or(path, flags, mode, "open64");
}

int ioctl(int descriptor, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (request == ALLOCATE) {
        struct allocation *wanted = argument;
        int buffer = memfd_create("buffer", MFD_CLOEXEC);
        if (buffer < 0 || ftruncate(buffer, wanted->len) < 0) return -1;
        wanted->fd = buffer;
        return 0;
    }
    if (_IOC_TYPE(request) == BUFFER_TYPE) return 0;
    int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    return real(descriptor, request, argument);
}
