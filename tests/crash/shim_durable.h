/* What the disk surely holds: kept at every fsync. Part of shim.c; read by power.py. */

static void note(const char *text) {
    if (REAL(write)(journal_fd, text, strlen(text)) < 0) abort();
}

static void keep_file(int fd, const struct stat *status) {
    char name[PATH_MAX + 64], block[65536];
    snprintf(name, sizeof name, "%s/F%llu.%lld", control->folder,
             (unsigned long long)status->st_ino, (long long)control->count);
    int out = REAL(open)(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0) abort();
    off_t at = 0;
    ssize_t got;
    int in = fd;
    while ((got = REAL(pread)(in, block, sizeof block, at)) != 0) {
        if (got < 0 && errno == EBADF && in == fd) {
            /* Opened for writing only. Never closed: that would drop POSIX locks. */
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            in = fcntl(REAL(open)(link, O_RDONLY | O_CLOEXEC), F_DUPFD_CLOEXEC, 400);
            if (in < 0) abort();
            continue;
        }
        if (got < 0 || REAL(write)(out, block, (size_t)got) != got) abort();
        at += got;
    }
    close(out);
    snprintf(name, sizeof name, "F %llu %lld %o\n", (unsigned long long)status->st_ino,
             (long long)control->count, status->st_mode & 07777);
    note(name);
}

static void keep_folder(int fd, const struct stat *status) {
    char name[PATH_MAX + 64];
    snprintf(name, sizeof name, "%s/D%llu.%lld", control->folder,
             (unsigned long long)status->st_ino, (long long)control->count);
    int out = REAL(open)(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    DIR *folder = fdopendir(REAL(openat)(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (out < 0 || !folder) abort();
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        struct stat member;
        if (fstatat(fd, entry->d_name, &member, AT_SYMLINK_NOFOLLOW)) continue;
        char target[PATH_MAX] = "", line[2 * PATH_MAX];
        if (S_ISLNK(member.st_mode)) {
            ssize_t length = readlinkat(fd, entry->d_name, target, sizeof target - 1);
            if (length > 0) target[length] = 0;
        }
        /* Three fields, each ended by NUL: names may hold any other byte. */
        int length = snprintf(line, sizeof line, "%llu %o%c%s%c%s%c",
                              (unsigned long long)member.st_ino, member.st_mode, 0,
                              entry->d_name, 0, target, 0);
        if (REAL(write)(out, line, (size_t)length) != length) abort();
    }
    closedir(folder);
    close(out);
    snprintf(name, sizeof name, "D %llu %lld %o\n", (unsigned long long)status->st_ino,
             (long long)control->count, status->st_mode & 07777);
    note(name);
}
