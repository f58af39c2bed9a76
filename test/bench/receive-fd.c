/* receive-fd PROGRAM ARGUMENT...: runs it as ssh does with ProxyUseFdpass, and ends with it. Exit status 0 if it gave a descriptor. */
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int ends[2], status;
    if (argc < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) return 2;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    close(ends[1]);
    char byte, control[CMSG_SPACE(sizeof(int))];
    memset(control, 0, sizeof control);
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int given = recvmsg(ends[0], &message, 0) == 1 && CMSG_FIRSTHDR(&message) != NULL;
    return waitpid(child, &status, 0) == child && status == 0 && given ? 0 : 1;
}
