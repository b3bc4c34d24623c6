/* Count executed AArch64 instructions by class, exactly, under qemu-user.
 *
 * A TCG plugin for QEMU 7.2 (plugin API version 1). The few declarations of that API that are used
 * stand below, since the header is not packaged apart from QEMU's source. Counts are added per
 * translated block. The guest marks the place to print and reset by the system call getppid, which
 * nothing else here makes; what is left is printed when the guest ends.
 *
 *     gcc -O2 -shared -fPIC -o counter.so counter.c
 *     qemu-aarch64 -plugin ./counter.so -d plugin PROGRAM
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*tb_trans_cb)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*syscall_cb)(qemu_plugin_id_t, unsigned int, int64_t, uint64_t, uint64_t, uint64_t,
                           uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, tb_trans_cb);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, enum qemu_plugin_op,
                                                     void *, uint64_t);
extern void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, syscall_cb);
typedef void (*exit_cb)(qemu_plugin_id_t, void *);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, exit_cb, void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);

EXPORT int qemu_plugin_version = 1;

/* Number of getppid in the generic system call table that AArch64 uses. */
#define MARKER 173

enum { ALL, DOT, FMLA, SMLAL, LOAD_STORE, CLASSES };

static uint64_t counts[CLASSES];
static FILE *report;

/* Encodings of the Arm Architecture Reference Manual (DDI 0487), mask and value. */
struct pattern {
    int kind;
    uint32_t mask, value;
};
static const struct pattern patterns[] = {
    {DOT, 0x9fe0fc00, 0x0e809400},        /* SDOT, UDOT, vector */
    {DOT, 0x9fc0f400, 0x0f80e000},        /* SDOT, UDOT, by element */
    {FMLA, 0xbfa0fc00, 0x0e20cc00},       /* FMLA, vector */
    {FMLA, 0xbf80f400, 0x0f801000},       /* FMLA, by element */
    {FMLA, 0xff208000, 0x1f000000},       /* FMADD, scalar */
    {SMLAL, 0x9f20fc00, 0x0e208000},      /* SMLAL, UMLAL and their second halves, vector */
    {SMLAL, 0x9f00f400, 0x0f002000},      /* the same, by element */
    {LOAD_STORE, 0x0a000000, 0x08000000}, /* the whole group of loads and stores */
};

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    uint64_t found[CLASSES] = {0};
    (void)id;
    found[ALL] = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < found[ALL]; i++) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, i)), sizeof word);
        for (size_t p = 0; p < sizeof patterns / sizeof patterns[0]; p++)
            if ((word & patterns[p].mask) == patterns[p].value) {
                found[patterns[p].kind]++;
                break;
            }
    }
    for (int kind = 0; kind < CLASSES; kind++)
        if (found[kind])
            qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &counts[kind],
                                                     found[kind]);
}

static void print_and_reset(void) {
    fprintf(report, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", counts[ALL],
            counts[DOT], counts[FMLA], counts[SMLAL], counts[LOAD_STORE]);
    fflush(report);
    memset(counts, 0, sizeof counts);
}

static void called(qemu_plugin_id_t id, unsigned int vcpu, int64_t number, uint64_t a1, uint64_t a2,
                   uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    (void)id, (void)vcpu, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7,
        (void)a8;
    if (number == MARKER)
        print_and_reset();
}

static void ended(qemu_plugin_id_t id, void *data) {
    (void)id, (void)data;
    print_and_reset();
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    (void)info, (void)argc, (void)argv;
    const char *path = getenv("FACEAGE_COUNTS");
    report = path ? fopen(path, "w") : stderr;
    if (!report)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    qemu_plugin_register_atexit_cb(id, ended, 0);
    return 0;
}
