/* greet PATH: listens on the AF_UNIX socket PATH, greets each connection as sshd would, and waits until it is closed. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
    static const char banner[] = "SSH-2.0-OpenSSH_10.0\r\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char byte;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) return 2;
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 8) < 0) return perror(argv[1]), 1;
    for (;;) {
        int guest = accept(listener, NULL, NULL);
        if (guest < 0) return perror("accept"), 1;
        if (write(guest, banner, sizeof banner - 1) > 0) (void)!read(guest, &byte, 1);
        close(guest);
    }
}
