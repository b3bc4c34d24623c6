/* An external delegate that fails in the way its option `how` names.
 *
 * refuse: it is not created. abort, hang: while it is created. prepare: Prepare fails. garbage: it
 * takes over the last operator and fills its output with a pattern. invoke-hang: it never returns
 * from there. while FILE: as none, but a thread aborts the process when FILE comes into being; it
 * refuses to be created as long as FILE is there, as an unplugged Coral does. stall FILE: the same, but
 * the thread takes Python's lock and never gives it back, as a call that blocks with the lock held.
 * With `mark` a line is added to that file for each model that it is asked to take, and when it hangs.
 *
 * The parts of LiteRT's C interface that are used are declared here by hand; their layout has been
 * the same since TensorFlow Lite 2.10.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { int size; int data[]; } IntArray;
typedef struct Context Context;
typedef struct Delegate Delegate;
typedef struct { IntArray *inputs, *outputs; } Node;
typedef struct {
    int type;
    void *data;
    IntArray *dims;
    struct { float scale; int32_t zero_point; } params;
    int allocation_type;
    size_t bytes;
    const void *allocation;
    const char *name;
    Delegate *delegate;
    int buffer_handle;
    _Bool data_is_stale, is_variable;
    struct { int type; void *params; } quantization;
    void *sparsity;
    const IntArray *dims_signature;
} Tensor;
typedef struct {
    void *(*init)(Context *, const char *, size_t);
    void (*free)(Context *, void *);
    int (*prepare)(Context *, Node *);
    int (*invoke)(Context *, Node *);
    const char *(*profiling_string)(const Context *, const Node *);
    int32_t builtin_code;
    const char *custom_name;
    int version;
    void *registration_external;
    void *(*async_kernel)(Context *, Node *);
    uint64_t inplace_operator;
} Registration;
struct Context {
    size_t tensors_size;
    int (*GetExecutionPlan)(Context *, IntArray **);
    Tensor *tensors;
    void *impl;
    int (*ResizeTensor)(Context *, Tensor *, IntArray *);
    void (*ReportError)(Context *, const char *, ...);
    int (*AddTensors)(Context *, int, int *);
    int (*GetNodeAndRegistration)(Context *, int, Node **, Registration **);
    int (*ReplaceNodeSubsetsWithDelegateKernels)(
        Context *, Registration, const IntArray *, Delegate *);
};
struct Delegate {
    void *data;
    int (*Prepare)(Context *, Delegate *);
    void *from, *to, *free_handle;
    int64_t flags;
    void *builder;
};

static char how[32], file[1024], mark[1024];

static int fine(Context *c, Node *n) { (void)c, (void)n; return 0; }

static int invoke(Context *c, Node *n) {
    if (strcmp(how, "invoke-hang") == 0)
        for (;;) pause();
    for (int i = 0; i < n->outputs->size; i++) {
        Tensor *t = &c->tensors[n->outputs->data[i]];
        for (size_t at = 0; at < t->bytes; at++) ((uint8_t *)t->data)[at] = (uint8_t)(at * 151 + 43);
    }
    return 0;
}

static void note(const char *what) {
    FILE *list = mark[0] ? fopen(mark, "a") : 0;
    if (list) fprintf(list, "%s\n", what), fclose(list);
}

static int prepare(Context *c, Delegate *d) {
    note("a model");
    if (strcmp(how, "prepare") == 0) return 1;
    if (strcmp(how, "garbage") && strcmp(how, "invoke-hang")) return 0;
    IntArray *plan, *last = malloc(sizeof(int) * 2);
    if (c->GetExecutionPlan(c, &plan)) return 1;
    last->size = 1;
    last->data[0] = plan->data[plan->size - 1];
    Registration mine = {.prepare = fine, .invoke = invoke, .custom_name = "fault", .version = 1};
    mine.builtin_code = 51; /* kTfLiteBuiltinDelegate */
    return c->ReplaceNodeSubsetsWithDelegateKernels(c, mine, last, d);
}

static void *watch(void *nothing) {
    while (access(file, F_OK)) usleep(10000);
    if (strcmp(how, "while") == 0) abort();
    ((int (*)(void))dlsym(RTLD_DEFAULT, "PyGILState_Ensure"))();
    for (;;) pause();
    return nothing;
}

Delegate *tflite_plugin_create_delegate(
    char **keys, char **values, size_t count, void (*report)(const char *)) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i], "how") == 0) strncpy(how, values[i], sizeof how - 1);
        if (strcmp(keys[i], "file") == 0) strncpy(file, values[i], sizeof file - 1);
        if (strcmp(keys[i], "mark") == 0) strncpy(mark, values[i], sizeof mark - 1);
    }
    if (strcmp(how, "abort") == 0) abort();
    if (strcmp(how, "hang") == 0) {
        note("hanging");
        for (;;) pause();
    }
    if (strcmp(how, "refuse") == 0 || (file[0] && access(file, F_OK) == 0)) {
        report("no device");
        return 0;
    }
    if (file[0]) {
        pthread_t thread;
        pthread_create(&thread, 0, watch, 0);
    }
    Delegate *made = calloc(1, sizeof *made);
    made->Prepare = prepare;
    return made;
}

void tflite_plugin_destroy_delegate(Delegate *made) { free(made); }
