/* Counts the calls that change a file below one folder, and fails or kills at the n-th.
 *
 * Loaded with LD_PRELOAD. It does nothing until armed: by the environment variable CRASH_CONTROL
 * when the process starts, or by crash_arm() from a forked child. The control file is shared
 * memory, so that processes which the command starts go on counting where it is.
 *
 * All counted calls of a process run one after the other under one lock: their order in the log
 * is the order in which they happened.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))
#define REAL(name) ((__typeof__(&name))real(#name))

/* The layout is known to shim.py. */
struct control {
    int32_t mode;
    int32_t flags;
    int64_t stop_at;
    int64_t count;
    int32_t struck;
    int32_t group;
    char root[2048];
    char folder[2048];
};

enum { MODE_COUNT, MODE_KILL, MODE_FULL, MODE_DEAD };
enum { FLAG_JOURNAL = 1, FLAG_NO_SYNC = 2, FLAG_READS = 4 };
/* What a full disk refuses: SPACE always; SYNC only when it is the n-th call; FREE never. */
enum kind { KIND_SPACE, KIND_SYNC, KIND_FREE };

static struct control *control;
static int log_fd = -1;
static int journal_fd = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static void lock(void) { pthread_mutex_lock(&mutex); }
static void unlock(void) { pthread_mutex_unlock(&mutex); }

/* A descriptor far from those that the program counts on, gone after exec. */
static int high(int fd) {
    if (fd < 0) return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 400);
    close(fd);
    return moved;
}

PUBLIC int crash_arm(const char *path) {
    int fd = REAL(open)(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return -1;
    void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED) return -1;
    struct control *given = memory;
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/log", given->folder);
    log_fd = high(REAL(open)(name, O_WRONLY | O_CREAT | O_APPEND, 0600));
    snprintf(name, sizeof name, "%s/journal", given->folder);
    journal_fd = high(REAL(open)(name, O_WRONLY | O_CREAT | O_APPEND, 0600));
    if (log_fd < 0 || journal_fd < 0) return -1;
    pthread_atfork(lock, unlock, unlock);
    control = given;
    return 0;
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("CRASH_CONTROL");
    if (path && *path && crash_arm(path)) abort();
}

static int below(const char *path) {
    size_t length = strlen(control->root);
    return !strncmp(path, control->root, length) && (path[length] == '/' || !path[length]);
}

static int fd_path(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static int at_path(int folder, const char *name, char *path) {
    if (!name) return 0;
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return below(path);
    }
    char base[PATH_MAX];
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        fd_path(folder, base);
    }
    if (snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX) return 0;
    return below(path);
}

static int exists(const char *path) {
    struct stat status;
    return !lstat(path, &status);
}

/* Enter the lock, count the call; 0 or the error that it must give. Always followed by leave(). */
static int enter(const char *call, const char *path, enum kind kind) {
    lock();
    int64_t number = ++control->count;
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%lld\t%s\t%s\n", (long long)number, call,
                          path + strlen(control->root));
    if (length > 0) REAL(write)(log_fd, line, (size_t)length);
    int here = number == control->stop_at;
    if (here) control->struck = 1;
    switch (control->mode) {
    case MODE_KILL:
        if (here) {
            if (control->group && getpgrp() == control->group) kill(0, SIGKILL);
            kill(getpid(), SIGKILL);
            for (;;) pause();
        }
        return 0;
    case MODE_FULL:
        if (!control->struck || kind == KIND_FREE) return 0;
        return here || kind == KIND_SPACE ? ENOSPC : 0;
    case MODE_DEAD:
        return control->struck ? EIO : 0;
    default:
        return 0;
    }
}

static void leave(void) {
    int error = errno;
    unlock();
    errno = error;
}

/* A full disk takes the first part of a write before it refuses the rest. */
static size_t partial(size_t size, int error) {
    int here = control->count == control->stop_at;
    return error == ENOSPC && here && size > 1 && control->stop_at % 2 == 0 ? size / 2 : 0;
}

/* Keep a removed file's inode alive, so that its number still means that file in the journal. */
static void pin(const char *path) {
    if (control->flags & FLAG_JOURNAL) high(REAL(open)(path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

#include "shim_durable.h"

static int sync_with(const char *call, int (*function)(int), int fd) {
    char path[PATH_MAX];
    if (!control || !fd_path(fd, path)) return function(fd);
    int error = enter(call, path, KIND_SYNC), result = -1;
    struct stat status;
    if (error) {
        errno = error;
    } else {
        result = control->flags & FLAG_NO_SYNC ? 0 : function(fd);
        if (!result && control->flags & FLAG_JOURNAL && !fstat(fd, &status)) {
            if (S_ISREG(status.st_mode)) keep_file(fd, &status);
            if (S_ISDIR(status.st_mode)) keep_folder(fd, &status);
        }
    }
    leave();
    return result;
}

PUBLIC int fsync(int fd) { return sync_with("fsync", REAL(fsync), fd); }
PUBLIC int fdatasync(int fd) { return sync_with("fdatasync", REAL(fdatasync), fd); }

static int open_with(const char *call, int folder, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    int (*function)(int, const char *, int, ...) = REAL(openat);
    int makes = flags & (O_CREAT | O_TRUNC);
    if (!control || !makes || !at_path(folder, name, path)) return function(folder, name, flags, mode);
    int there = exists(path);
    if (there ? !(flags & O_TRUNC) || (flags & O_EXCL) : !(flags & O_CREAT))
        return function(folder, name, flags, mode);
    int error = enter(call, path, there ? KIND_FREE : KIND_SPACE), result = -1;
    if (error) errno = error;
    else result = function(folder, name, flags, mode);
    leave();
    return result;
}

#define OPEN(name)                                                          \
    PUBLIC int name(const char *path, int flags, ...) {                     \
        va_list list;                                                       \
        va_start(list, flags);                                              \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; \
        va_end(list);                                                       \
        return open_with("open", AT_FDCWD, path, flags, mode);              \
    }
#define OPENAT(name)                                                        \
    PUBLIC int name(int folder, const char *path, int flags, ...) {         \
        va_list list;                                                       \
        va_start(list, flags);                                              \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; \
        va_end(list);                                                       \
        return open_with("open", folder, path, flags, mode);                \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

PUBLIC int creat(const char *path, mode_t mode) {
    return open_with("creat", AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

#define ON_FD(call, fd, kind, pass)                                         \
    char path[PATH_MAX];                                                    \
    if (!control || !fd_path(fd, path)) return pass;                        \
    int error = enter(call, path, kind)

#define DONE(type, value)                                                   \
    type result = -1;                                                       \
    if (error) errno = error;                                               \
    else result = value;                                                    \
    leave();                                                                \
    return result

PUBLIC ssize_t write(int fd, const void *data, size_t size) {
    ON_FD("write", fd, KIND_SPACE, REAL(write)(fd, data, size));
    size_t part = partial(size, error);
    if (part) error = 0, size = part;
    DONE(ssize_t, REAL(write)(fd, data, size));
}

#define PWRITE(name, offset_t)                                              \
    PUBLIC ssize_t name(int fd, const void *data, size_t size, offset_t at) { \
        ON_FD("pwrite", fd, KIND_SPACE, REAL(pwrite64)(fd, data, size, at)); \
        size_t part = partial(size, error);                                 \
        if (part) error = 0, size = part;                                   \
        DONE(ssize_t, REAL(pwrite64)(fd, data, size, at));                  \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

PUBLIC ssize_t writev(int fd, const struct iovec *parts, int count) {
    ON_FD("writev", fd, KIND_SPACE, REAL(writev)(fd, parts, count));
    DONE(ssize_t, REAL(writev)(fd, parts, count));
}

#define PWRITEV(name, offset_t)                                             \
    PUBLIC ssize_t name(int fd, const struct iovec *parts, int count, offset_t at) { \
        ON_FD("pwritev", fd, KIND_SPACE, REAL(name)(fd, parts, count, at)); \
        DONE(ssize_t, REAL(name)(fd, parts, count, at));                    \
    }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)


static enum kind growth(int fd, off_t size) {
    struct stat status;
    return !fstat(fd, &status) && size <= status.st_size ? KIND_FREE : KIND_SPACE;
}

#define FTRUNCATE(name, offset_t)                                           \
    PUBLIC int name(int fd, offset_t size) {                                \
        ON_FD("ftruncate", fd, growth(fd, size), REAL(ftruncate64)(fd, size)); \
        DONE(int, REAL(ftruncate64)(fd, size));                             \
    }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

#define FALLOCATE(name, offset_t)                                           \
    PUBLIC int name(int fd, int mode, offset_t at, offset_t size) {         \
        ON_FD("fallocate", fd, KIND_SPACE, REAL(fallocate64)(fd, mode, at, size)); \
        DONE(int, REAL(fallocate64)(fd, mode, at, size));                   \
    }
FALLOCATE(fallocate, off_t)
FALLOCATE(fallocate64, off64_t)

#define POSIX_FALLOCATE(name, offset_t)                                     \
    PUBLIC int name(int fd, offset_t at, offset_t size) {                   \
        ON_FD("posix_fallocate", fd, KIND_SPACE, REAL(name)(fd, at, size)); \
        int result = error ? error : REAL(name)(fd, at, size);              \
        leave();                                                            \
        return result;                                                      \
    }
POSIX_FALLOCATE(posix_fallocate, off_t)
POSIX_FALLOCATE(posix_fallocate64, off64_t)

#define SENDFILE(name, offset_t)                                            \
    PUBLIC ssize_t name(int out, int in, offset_t *at, size_t size) {       \
        ON_FD("sendfile", out, KIND_SPACE, REAL(name)(out, in, at, size));  \
        DONE(ssize_t, REAL(name)(out, in, at, size));                       \
    }
SENDFILE(sendfile, off_t)
SENDFILE(sendfile64, off64_t)

PUBLIC ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) {
    ON_FD("copy_file_range", out, KIND_SPACE, REAL(copy_file_range)(in, from, out, to, size, flags));
    DONE(ssize_t, REAL(copy_file_range)(in, from, out, to, size, flags));
}

#define ON_PATH(call, folder, name, kind, pass)                             \
    char path[PATH_MAX];                                                    \
    if (!control || !at_path(folder, name, path)) return pass;              \
    int error = enter(call, path, kind)

/* A function that only counts: its name in the log, where, what kind, parameters, arguments. */
#define ON_NAME(function, call, folder, name, kind, parameters, arguments)  \
    PUBLIC int function parameters {                                        \
        ON_PATH(call, folder, name, kind, REAL(function) arguments);        \
        DONE(int, REAL(function) arguments);                                \
    }
#define ON_OPEN(function, call, fd, kind, parameters, arguments)            \
    PUBLIC int function parameters {                                        \
        ON_FD(call, fd, kind, REAL(function) arguments);                    \
        DONE(int, REAL(function) arguments);                                \
    }

static int rename_with(int from, const char *old, int to, const char *new, unsigned flags) {
    char path[PATH_MAX], other[PATH_MAX];
    int (*function)(int, const char *, int, const char *, unsigned) = REAL(renameat2);
    if (!control) return function(from, old, to, new, flags);
    int first = at_path(from, old, other), second = at_path(to, new, path);
    if (!first && !second) return function(from, old, to, new, flags);
    int error = enter("rename", path, KIND_SYNC);
    if (!error) pin(path);
    DONE(int, function(from, old, to, new, flags));
}
PUBLIC int rename(const char *old, const char *new) {
    return rename_with(AT_FDCWD, old, AT_FDCWD, new, 0);
}
PUBLIC int renameat(int from, const char *old, int to, const char *new) {
    return rename_with(from, old, to, new, 0);
}
PUBLIC int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
    return rename_with(from, old, to, new, flags);
}

static int unlink_with(const char *call, int folder, const char *name, int flags) {
    int (*function)(int, const char *, int) = REAL(unlinkat);
    char path[PATH_MAX];
    /* Taking away what is not there changes nothing. */
    if (!control || !at_path(folder, name, path) || !exists(path)) return function(folder, name, flags);
    int error = enter(call, path, KIND_FREE);
    if (!error) pin(path);
    DONE(int, function(folder, name, flags));
}
PUBLIC int unlink(const char *name) { return unlink_with("unlink", AT_FDCWD, name, 0); }
PUBLIC int unlinkat(int folder, const char *name, int flags) {
    return unlink_with(flags & AT_REMOVEDIR ? "rmdir" : "unlink", folder, name, flags);
}
PUBLIC int rmdir(const char *name) { return unlink_with("rmdir", AT_FDCWD, name, AT_REMOVEDIR); }

static int mkdir_with(int folder, const char *name, mode_t mode) {
    int (*function)(int, const char *, mode_t) = REAL(mkdirat);
    char path[PATH_MAX];
    if (!control || !at_path(folder, name, path) || exists(path)) return function(folder, name, mode);
    int error = enter("mkdir", path, KIND_SPACE);
    DONE(int, function(folder, name, mode));
}
PUBLIC int mkdir(const char *name, mode_t mode) { return mkdir_with(AT_FDCWD, name, mode); }
PUBLIC int mkdirat(int folder, const char *name, mode_t mode) { return mkdir_with(folder, name, mode); }

ON_NAME(linkat, "link", to, new, KIND_SPACE, (int from, const char *old, int to, const char *new, int flags), (from, old, to, new, flags))
ON_NAME(link, "link", AT_FDCWD, new, KIND_SPACE, (const char *old, const char *new), (old, new))
ON_NAME(symlinkat, "symlink", folder, name, KIND_SPACE, (const char *text, int folder, const char *name), (text, folder, name))
ON_NAME(symlink, "symlink", AT_FDCWD, name, KIND_SPACE, (const char *text, const char *name), (text, name))
ON_NAME(truncate, "truncate", AT_FDCWD, name, KIND_SPACE, (const char *name, off_t size), (name, size))
ON_NAME(truncate64, "truncate", AT_FDCWD, name, KIND_SPACE, (const char *name, off64_t size), (name, size))

ON_NAME(chmod, "chmod", AT_FDCWD, name, KIND_FREE, (const char *name, mode_t mode), (name, mode))
ON_OPEN(fchmod, "chmod", fd, KIND_FREE, (int fd, mode_t mode), (fd, mode))
ON_NAME(fchmodat, "chmod", folder, name, KIND_FREE, (int folder, const char *name, mode_t mode, int flags), (folder, name, mode, flags))
ON_NAME(chown, "chown", AT_FDCWD, name, KIND_FREE, (const char *name, uid_t owner, gid_t group), (name, owner, group))
ON_OPEN(fchown, "chown", fd, KIND_FREE, (int fd, uid_t owner, gid_t group), (fd, owner, group))
ON_NAME(fchownat, "chown", folder, name, KIND_FREE, (int folder, const char *name, uid_t owner, gid_t group, int flags), (folder, name, owner, group, flags))
ON_NAME(utimensat, "utimes", folder, name, KIND_FREE, (int folder, const char *name, const struct timespec times[2], int flags), (folder, name, times, flags))
ON_OPEN(futimens, "utimes", fd, KIND_FREE, (int fd, const struct timespec times[2]), (fd, times))

/* Reading from a disk that died is not counted. */

static int unreadable(int fd) {
    char path[PATH_MAX];
    if (!control || control->mode != MODE_DEAD || !(control->flags & FLAG_READS) || !control->struck)
        return 0;
    if (!fd_path(fd, path)) return 0;
    errno = EIO;
    return 1;
}
PUBLIC ssize_t read(int fd, void *data, size_t size) {
    return unreadable(fd) ? -1 : REAL(read)(fd, data, size);
}
PUBLIC ssize_t pread(int fd, void *data, size_t size, off_t at) {
    return unreadable(fd) ? -1 : REAL(pread)(fd, data, size, at);
}
PUBLIC ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
    return unreadable(fd) ? -1 : REAL(pread64)(fd, data, size, at);
}
