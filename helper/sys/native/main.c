/* Starts the engine with just the built-in objects that the helper uses, and runs the module "main.js" out of the bytecode table. */
#include "native.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytecode.h" /* made by the build: bytecode[], one row a module */

enum { EXIT_FAILED = 1, EXIT_BUG = 70 }; /* EX_SOFTWARE in sysexits.h */

/* Told here and at once: the engine takes memory to throw an exception, and where it has none to begin with it crashes. */
static void *require(void *memory) {
    static const char words[] = "virtssh: error: cannot go on: no memory is left\n"
                                "virtssh: hint: see what limits it with: ulimit -v; free -m\n";
    if (memory != NULL) return memory;
    (void)!write(STDERR_FILENO, words, sizeof words - 1);
    _exit(EXIT_FAILED);
}

#ifdef QUICKJS_NG /* whose allocator has another shape */
typedef void Heap;
static void *allocate_zeros(Heap *heap, size_t count, size_t size) { return (void)heap, require(calloc(count, size)); }
#else
typedef JSMallocState Heap;
#endif

/* The C library's allocator as it is: the engine's own layer over it counts every byte, for a limit that is not used here and for
   a search for cycles that a life of milliseconds is not worth; reference counts free nearly all, and pauses the rest. */
static void *allocate(Heap *heap, size_t size) { return (void)heap, require(malloc(size)); }
static void release(Heap *heap, void *memory) { (void)heap, free(memory); }
static void *resize(Heap *heap, void *memory, size_t size) {
    if (size > 0) return require(realloc(memory, size));
    release(heap, memory);
    return NULL;
}
static size_t unknown_size(const void *memory) { return (void)memory, 0; }

static const JSMallocFunctions allocator = {
#ifdef QUICKJS_NG
    .js_calloc = allocate_zeros,
#endif
    .js_malloc = allocate,
    .js_free = release,
    .js_realloc = resize,
    .js_malloc_usable_size = unknown_size,
};

int program_argc;
char **program_argv;

/* A closed descriptor 0, 1 or 2 would be given to the next socket, and be taken for ssh's. */
static void fill_standard_descriptors(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) _exit(EXIT_BUG);
}

static int find_bytecode(const char *name) {
    for (int i = 0; bytecode[i].name != NULL; i++)
        if (strcmp(bytecode[i].name, name) == 0) return i;
    return -1;
}

/* Bytecode is little-endian: where the machine is not, the engine turns its bytes round, which it cannot do in read-only memory. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { READ_FLAGS = JS_READ_OBJ_BYTECODE | JS_READ_OBJ_ROM_DATA };
#else
enum { READ_FLAGS = JS_READ_OBJ_BYTECODE };
#endif

static JSValue read_module(JSContext *ctx, int index) {
    return JS_ReadObject(ctx, bytecode[index].bytes, *bytecode[index].size, READ_FLAGS);
}

static JSModuleDef *load_module(JSContext *ctx, const char *name, void *opaque) {
    (void)opaque;
    if (strcmp(name, "virtssh:native") == 0) return make_native_module(ctx, name);
    int found = find_bytecode(name);
    if (found < 0) {
        JS_ThrowReferenceError(ctx, "no module %s", name);
        return NULL;
    }
    JSValue module = read_module(ctx, found);
    if (JS_IsException(module)) return NULL;
    JSModuleDef *definition = JS_VALUE_GET_PTR(module);
    JS_FreeValue(ctx, module); /* the context keeps it */
    return definition;
}

static void add_builtins(JSContext *ctx) {
    JS_AddIntrinsicBaseObjects(ctx);
    JS_AddIntrinsicRegExp(ctx);
    JS_AddIntrinsicJSON(ctx);
    JS_AddIntrinsicMapSet(ctx);
    JS_AddIntrinsicTypedArrays(ctx);
    JS_AddIntrinsicPromise(ctx); /* modules are made of them */
}

/* main.ts reports what goes wrong; what reaches this place went wrong in the reporting. */
static int report(JSContext *ctx) {
    JSValue error = JS_GetException(ctx);
    const char *text = JS_ToCString(ctx, error);
    fprintf(stderr, "virtssh: internal error: %s\n", text == NULL ? "unknown" : text);
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, error);
    return EXIT_BUG;
}

static int run(JSContext *ctx) {
    JSRuntime *runtime = JS_GetRuntime(ctx);
    int main_module = find_bytecode("main.js");
    JSValue module = read_module(ctx, main_module);
    if (JS_IsException(module) || JS_ResolveModule(ctx, module) < 0) return report(ctx);
    JSValue outcome = JS_EvalFunction(ctx, module);
    if (JS_IsException(outcome)) return report(ctx);
    for (JSContext *job = NULL; JS_IsJobPending(runtime);)
        if (JS_ExecutePendingJob(runtime, &job) < 0) return report(job);
    int rejected = JS_PromiseState(ctx, outcome) == JS_PROMISE_REJECTED;
    if (rejected) JS_Throw(ctx, JS_PromiseResult(ctx, outcome));
    JS_FreeValue(ctx, outcome);
    return rejected ? report(ctx) : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    program_argc = argc;
    program_argv = argv;
    fill_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a peer that has gone is an error number, not the end of us */
    JSRuntime *runtime = JS_NewRuntime2(&allocator, NULL);
    JSContext *ctx = runtime == NULL ? NULL : JS_NewContextRaw(runtime);
    if (ctx == NULL) return fputs("virtssh: internal error: out of memory\n", stderr), EXIT_BUG;
    add_builtins(ctx);
    JS_SetModuleLoaderFunc(runtime, NULL, load_module, NULL);
    return run(ctx); /* the kernel takes the memory back faster than we could */
}
