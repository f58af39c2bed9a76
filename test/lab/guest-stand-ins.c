/* Loaded before a program of a guest in the box (LD_PRELOAD), it stands in for what the box's kernel has not: a vsock device with
 * a CID, 7, and an audit log. */
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ioctl(2), but for the question for the local CID. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == (unsigned long)IOCTL_VM_SOCKETS_GET_LOCAL_CID) {
		*(unsigned *)argument = 7;
		return 0;
	}
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

/* The audit log: descriptors that nothing else has, because they are so high. Only libaudit reads and writes it. */
#define LOG_MIN 900

int audit_open(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log = fcntl(fd, F_DUPFD_CLOEXEC, LOG_MIN);

	close(fd);
	return log;
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t to_length)
{
	if (fd >= LOG_MIN)
		return (ssize_t)length;
	return syscall(SYS_sendto, fd, bytes, length, flags, to, to_length);
}

/* The kernel's word to every message: no error. */
ssize_t recvfrom(int fd, void *bytes, size_t length, int flags, struct sockaddr *from, socklen_t *from_length)
{
	struct { struct nlmsghdr head; struct nlmsgerr error; } answer = {
		.head = { .nlmsg_len = sizeof answer, .nlmsg_type = NLMSG_ERROR },
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (fd < LOG_MIN || length < sizeof answer)
		return syscall(SYS_recvfrom, fd, bytes, length, flags, from, from_length);
	memcpy(bytes, &answer, sizeof answer);
	memcpy(from, &kernel, sizeof kernel);
	*from_length = sizeof kernel;
	return sizeof answer;
}
