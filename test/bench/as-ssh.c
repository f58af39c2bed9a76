/* as-ssh RECORD PIN PROGRAM ARGUMENT...: leaves in the directory RECORD what virtssh's proxy leaves there for ssh, removes the file
   PIN (unless that is -), runs the program as ssh would run KnownHostsCommand, and ends as it does. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD \
    "{\"uri\":\"qemu:///system\",\"name\":\"up\",\"uuid\":\"11111111-2222-4333-8444-555555555555\",\"id\":1,\"cid\":7," \
    "\"port\":22,\"program\":\"as-ssh\",\"stack\":\"%llu\"}"

/* A field of proc_pid_stat(5), from the fourth on. */
static unsigned long long read_field(int number) {
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "r");
    size_t length = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    if (file != NULL) fclose(file);
    text[length] = 0;
    char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < number; field++) at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

int main(int argc, char **argv) {
    char path[4096];
    int status;
    if (argc < 4) return 2;
    snprintf(path, sizeof path, "%s/%d-%llu", argv[1], getpid(), read_field(22));
    int record = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (record < 0 || dprintf(record, RECORD, read_field(28)) < 0) return 2;
    close(record);
    if (strcmp(argv[2], "-") != 0) unlink(argv[2]);
    pid_t child = fork();
    if (child == 0) {
        execv(argv[3], argv + 3);
        _exit(127);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
