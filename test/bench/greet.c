/* greet FOLDER FIRST COUNT: listens on the AF_UNIX sockets FOLDER/FIRST-22 and on, COUNT of them, greets each connection as sshd
   would, and closes it. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *folder, int cid) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/%d-22", folder, cid);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 8) == 0) return listener;
    perror(address.sun_path);
    exit(1);
}

int main(int argc, char **argv) {
    static const char banner[] = "SSH-2.0-OpenSSH_10.0\r\n";
    int count = argc == 4 ? atoi(argv[3]) : 0;
    if (count < 1) return 2;
    struct pollfd *guests = calloc((size_t)count, sizeof *guests);
    for (int i = 0; i < count; i++) guests[i] = (struct pollfd){.fd = listen_at(argv[1], atoi(argv[2]) + i), .events = POLLIN};
    for (;;) {
        if (poll(guests, (nfds_t)count, -1) < 0) return perror("poll"), 1;
        for (int i = 0; i < count; i++) {
            if (!guests[i].revents) continue;
            int client = accept(guests[i].fd, NULL, NULL);
            if (client < 0) return perror("accept"), 1;
            (void)!send(client, banner, sizeof banner - 1, MSG_NOSIGNAL); /* it may have been closed already */
            close(client);
        }
    }
}
