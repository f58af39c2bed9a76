/* What main.c and native.c share. */
#ifndef VIRTSSH_NATIVE_H
#define VIRTSSH_NATIVE_H

#define _GNU_SOURCE
#include <quickjs.h>

/* The command line, as the kernel handed it over. */
extern int program_argc;
extern char **program_argv;

/* The module "virtssh:native"; NULL, with an exception thrown, if memory ran out. */
JSModuleDef *make_native_module(JSContext *ctx, const char *name);

#endif
