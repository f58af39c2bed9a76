/* no-vsock ERRNO COMMAND... runs COMMAND where no AF_VSOCK socket can be opened: socket() and socketpair() fail with ERRNO,
 * as in a kernel without vsock (EAFNOSUPPORT) or in a container whose filter forbids it (EPERM, EACCES). */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the labs emulate x86-64 on x86-64"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define JUMP(test, value, yes, no) BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), (yes), (no))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define FAIL(error) RETURN(SECCOMP_RET_ERRNO | (error))
#define X32_SYSCALL_BIT 0x40000000

static int errno_named(const char *name)
{
	static const struct { const char *name; int value; } known[] = {
		{ "EAFNOSUPPORT", EAFNOSUPPORT }, { "EPERM", EPERM }, { "EACCES", EACCES },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(name, known[i].name))
			return known[i].value;
	return 0;
}

/* Other ways to a socket are closed too: the i386 and x32 system calls, and io_uring, which seccomp does not see. The kernel
 * takes the family as an int, so the low half of the argument is all of it. */
static int forbid_vsock(unsigned error)
{
	struct sock_filter filter[] = {
		LOAD(arch),
		JUMP(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0),
		FAIL(ENOSYS),
		LOAD(nr),
		JUMP(BPF_JGE, X32_SYSCALL_BIT, 1, 0),
		JUMP(BPF_JEQ, __NR_io_uring_setup, 0, 1),
		FAIL(ENOSYS),
		JUMP(BPF_JEQ, __NR_socket, 1, 0),
		JUMP(BPF_JEQ, __NR_socketpair, 0, 2),
		LOAD(args[0]),
		JUMP(BPF_JEQ, AF_VSOCK, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		FAIL(error),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

	/* Root may go without no_new_privs, which keeps set-user-ID programs working; everybody else must have it. */
	if (!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 0;
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	int error = argc < 3 ? 0 : errno_named(argv[1]);

	if (!error) {
		fputs("usage: no-vsock EAFNOSUPPORT|EPERM|EACCES COMMAND...\n", stderr);
		return 2;
	}
	if (forbid_vsock((unsigned)error)) {
		perror("no-vsock: cannot install the filter");
		return 70;
	}
	execvp(argv[2], argv + 2);
	fprintf(stderr, "no-vsock: cannot run %s: %s\n", argv[2], strerror(errno));
	return 127;
}
