/* stopwatch ROUNDS FILE: runs the commands in FILE in turns, and prints a line for each run: the command's number, nanoseconds from
   before it was started until it was waited for, microseconds of processor time in the program and in the kernel, its peak memory in
   kB, page faults with and without reading from the disk, kB of its files that were in the page cache before it (0 unless COLD), and
   when it was started, in nanoseconds on CLOCK_MONOTONIC.
   FILE has a line for each command: EXIT COLD WORD...; EXIT is the status that it is to end with, and COLD a file that names files
   to be put out of the page cache before each run, or -. Words are separated by blanks. One round more is run first, unprinted.
   Every other round goes backwards, so that none always follows the same one. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_COMMANDS = 32, MOST_WORDS = 32 };

extern char **environ;

struct command {
    int exit;
    char *cold;
    char *words[MOST_WORDS + 1];
};

static _Noreturn void fail(const char *what) {
    perror(what);
    exit(1);
}

static int read_commands(const char *path, struct command *commands) {
    char *line = NULL;
    size_t size = 0;
    int count = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) fail(path);
    for (; count < MOST_COMMANDS && getline(&line, &size, file) > 0; line = NULL, size = 0) {
        struct command *command = &commands[count++];
        command->exit = atoi(strtok(line, " \n"));
        command->cold = strtok(NULL, " \n");
        int words = 0;
        while (words < MOST_WORDS && (command->words[words] = strtok(NULL, " \n")) != NULL) words++;
    }
    fclose(file);
    return count;
}

/* Pages of the file that are in the page cache. */
static long count_resident(int fd, size_t length) {
    size_t pages = (length + 4095) / 4096;
    void *map = length == 0 ? MAP_FAILED : mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return 0;
    unsigned char *resident = malloc(pages);
    long count = 0;
    if (mincore(map, length, resident) == 0)
        for (size_t i = 0; i < pages; i++) count += resident[i] & 1;
    free(resident);
    munmap(map, length);
    return count;
}

/* Puts a file out of the page cache, as far as no process has it mapped; kB that stay. */
static long evict(const char *path) {
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) < 0) fail(path);
    fsync(fd); /* what is not on the disk yet cannot go */
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    long left = count_resident(fd, (size_t)facts.st_size) * 4;
    close(fd);
    return left;
}

static long evict_all(const char *list) {
    char *line = NULL;
    size_t size = 0;
    long left = 0;
    FILE *file = fopen(list, "r");
    if (file == NULL) fail(list);
    while (getline(&line, &size, file) > 0) {
        line[strcspn(line, "\n")] = 0;
        left += evict(line);
    }
    free(line);
    fclose(file);
    return left;
}

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long microseconds(struct timeval time) { return time.tv_sec * 1000000 + time.tv_usec; }

static void run(int number, const struct command *command, int is_counted) {
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    pid_t child;
    int status;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd <= 2; fd++) posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    long left = strcmp(command->cold, "-") == 0 ? 0 : evict_all(command->cold);
    long long begin = now_ns();
    int failed = posix_spawn(&child, command->words[0], &actions, NULL, command->words, environ);
    if (failed || wait4(child, &status, 0, &usage) < 0) fail(command->words[0]);
    long long end = now_ns();
    posix_spawn_file_actions_destroy(&actions);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != command->exit) {
        fprintf(stderr, "%s ended with status %#x, not %d\n", command->words[0], status, command->exit);
        exit(1);
    }
    if (!is_counted) return;
    printf("%d %lld %ld %ld %ld %ld %ld %ld %lld\n", number, end - begin, microseconds(usage.ru_utime), microseconds(usage.ru_stime),
           usage.ru_maxrss, usage.ru_majflt, usage.ru_minflt, left, begin);
}

int main(int argc, char **argv) {
    static struct command commands[MOST_COMMANDS];
    if (argc != 3) return 2;
    int count = read_commands(argv[2], commands);
    for (int round = 0; round <= atoi(argv[1]); round++)
        for (int i = 0; i < count; i++) {
            int number = round % 2 == 0 ? i : count - 1 - i;
            run(number, &commands[number], round > 0);
        }
    return 0;
}
