/* A disk that fails, for one folder of one process (LD_PRELOAD; built and driven by tests/fault/bad_disk.py).
 *
 * Every call that changes the folder on the disk is counted: write, pwrite, ftruncate, fsync, fdatasync, rename, unlink,
 * open that creates. One of them, or all from one on, can be made to fail with an error, or to write only half.
 * All of them can be logged instead, with their bytes and in order, so that a power cut can be played afterwards.
 * What is mapped into memory (SQLite's -shm) is not seen, and is worth nothing after a power cut anyway.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ONCE = 0, FOR_GOOD = 1, HALF = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static long count, nth;
static int error_number, mode, log_fd = -1;

/* -- what the test calls, by ctypes */

void bad_disk_watch(const char *path) {
    pthread_mutex_lock(&lock);
    snprintf(folder, sizeof folder, "%s", path);
    folder_length = strlen(folder);
    count = nth = 0;
    pthread_mutex_unlock(&lock);
}

void bad_disk_fail(long at, int number, int how) {
    pthread_mutex_lock(&lock);
    count = 0;
    nth = at;
    error_number = number;
    mode = how;
    pthread_mutex_unlock(&lock);
}

long bad_disk_count(void) { return count; }

void bad_disk_log(const char *path) {
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

/* -- the log: kind, length of the path, path, number, length of the bytes, bytes; little endian */

static void put(const void *bytes, size_t length) {
    if (length) syscall(SYS_write, log_fd, bytes, length);
}

static void note(char kind, const char *path, int64_t number, const void *bytes, uint32_t length) {
    if (log_fd < 0) return;
    uint16_t size = (uint16_t)strlen(path);
    put(&kind, 1);
    put(&size, sizeof size);
    put(path, size);
    put(&number, sizeof number);
    put(&length, sizeof length);
    put(bytes, length);
}

void bad_disk_say(const char *word) {
    pthread_mutex_lock(&lock);
    note('A', word, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
}

/* -- which file, and what becomes of this call */

static int inside(const char *path) {
    return folder_length && strncmp(path, folder, folder_length) == 0;
}

static int watched(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = folder_length ? readlink(link, path, PATH_MAX - 1) : -1;
    if (length < 0) return 0;
    path[length] = 0;
    return inside(path);
}

/* 0: do it, 1: fail, 2: write half */
static int fate(void) {
    count++;
    if (!nth || (mode == FOR_GOOD ? count < nth : count != nth)) return 0;
    return mode == HALF ? 2 : 1;
}

#define REAL(type, name, ...)                                        \
    static type (*real)(__VA_ARGS__);                                \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define FAILED(result)                  \
    do {                                \
        pthread_mutex_unlock(&lock);    \
        errno = error_number;           \
        return result;                  \
    } while (0)

#define DONE(result)                    \
    do {                                \
        int kept = errno;               \
        pthread_mutex_unlock(&lock);    \
        errno = kept;                   \
        return result;                  \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    char path[PATH_MAX];
    if (!watched(fd, path)) return real(fd, bytes, length);
    pthread_mutex_lock(&lock);
    int what = fate();
    if (what == 1) FAILED(-1);
    off_t place = lseek(fd, 0, SEEK_CUR);
    ssize_t done = real(fd, bytes, what == 2 && length > 1 ? length / 2 : length);
    if (done > 0) note('W', path, place, bytes, (uint32_t)done);
    DONE(done);
}

#define PWRITE(name)                                                                        \
    ssize_t name(int fd, const void *bytes, size_t length, off_t place) {                   \
        REAL(ssize_t, name, int, const void *, size_t, off_t);                              \
        char path[PATH_MAX];                                                                \
        if (!watched(fd, path)) return real(fd, bytes, length, place);                      \
        pthread_mutex_lock(&lock);                                                          \
        int what = fate();                                                                  \
        if (what == 1) FAILED(-1);                                                          \
        ssize_t done = real(fd, bytes, what == 2 && length > 1 ? length / 2 : length, place); \
        if (done > 0) note('W', path, place, bytes, (uint32_t)done);                        \
        DONE(done);                                                                         \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define TRUNCATE(name)                                          \
    int name(int fd, off_t size) {                              \
        REAL(int, name, int, off_t);                            \
        char path[PATH_MAX];                                    \
        if (!watched(fd, path)) return real(fd, size);          \
        pthread_mutex_lock(&lock);                              \
        if (fate()) FAILED(-1);                                 \
        int done = real(fd, size);                              \
        if (done == 0) note('T', path, size, NULL, 0);          \
        DONE(done);                                             \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define SYNC(name)                                              \
    int name(int fd) {                                          \
        REAL(int, name, int);                                   \
        char path[PATH_MAX];                                    \
        if (!watched(fd, path)) return real(fd);                \
        pthread_mutex_lock(&lock);                              \
        if (fate()) FAILED(-1);                                 \
        int done = log_fd >= 0 ? 0 : real(fd);                  \
        if (done == 0) note('S', path, 0, NULL, 0);             \
        DONE(done);                                             \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    if (!inside(from)) return real(from, to);
    pthread_mutex_lock(&lock);
    if (fate()) FAILED(-1);
    int done = real(from, to);
    if (done == 0) note('R', from, 0, to, (uint32_t)strlen(to));
    DONE(done);
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    if (!inside(path)) return real(path);
    pthread_mutex_lock(&lock);
    if (fate()) FAILED(-1);
    int done = real(path);
    if (done == 0) note('U', path, 0, NULL, 0);
    DONE(done);
}

#define OPEN(name)                                                          \
    int name(const char *path, int flags, ...) {                            \
        REAL(int, name, const char *, int, ...);                            \
        va_list more;                                                       \
        va_start(more, flags);                                              \
        mode_t bits = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                       \
        struct stat found;                                                  \
        if (!(flags & O_CREAT) || !inside(path) || stat(path, &found) == 0) \
            return real(path, flags, bits);                                 \
        pthread_mutex_lock(&lock);                                          \
        if (fate()) FAILED(-1);                                             \
        int done = real(path, flags, bits);                                 \
        if (done >= 0) note('C', path, 0, NULL, 0);                         \
        DONE(done);                                                         \
    }
OPEN(open)
OPEN(open64)

/* A disk that fails for good with EROFS says of itself that it can only be read; one with ENOSPC, that it is full. */
#define STATVFS(name, type)                                                                     \
    int name(const char *path, struct type *found) {                                            \
        REAL(int, name, const char *, struct type *);                                           \
        int done = real(path, found);                                                           \
        if (done == 0 && inside(path) && nth && mode == FOR_GOOD && count >= nth) {             \
            if (error_number == EROFS) found->f_flag |= ST_RDONLY;                              \
            if (error_number == ENOSPC) found->f_bavail = 0;                                    \
        }                                                                                       \
        return done;                                                                            \
    }
STATVFS(statvfs, statvfs)
STATVFS(statvfs64, statvfs64)
