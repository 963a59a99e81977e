/* The board and its emulator, as src/board.rs has them: output by semihosting, a count of
 * instructions, and how deep the stack went. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

/* `is NAME VALUE`: an answer. */
void is(const char *name, uint64_t value);
/* `size NAME BYTES`. */
void size(const char *name, uint64_t bytes);
void print(const char *text);
/* Ends the program, and the emulator with this code. */
void leave(uint32_t code) __attribute__((noreturn));
/* Counts from here on, and says how many instructions a step of the timer is. */
void start_timer(void);

/* What a call took: bytes of the stack below the caller, and instructions. */
typedef struct cost {
    uint32_t stack, instructions;
} cost;

/* `cost NAME STACK INSTRUCTIONS`. */
void print_cost(const char *name, cost took);
cost took_since(const uint32_t *top, uint32_t before);
uint32_t timer(void);

#define PAINT 0xa5a5a5a5u
extern uint32_t __bss_end[];

/* Paints what lies below the stack pointer, which belongs to nobody, and returns that. */
__attribute__((always_inline)) static inline const uint32_t *paint(void)
{
    const uint32_t *top;
    uint32_t *at = __bss_end;
    __asm__ volatile("mov %[top], sp\n"
                     "1: cmp %[at], %[top]\n"
                     "it lo\n"
                     "strlo %[paint], [%[at]], #4\n"
                     "blo 1b"
                     : [at] "+r"(at), [top] "=&r"(top)
                     : [paint] "r"(PAINT)
                     : "cc", "memory");
    return top;
}

/* Makes a call, and measures it into `into`. */
#define MEASURED(into, call)                        \
    do {                                            \
        const uint32_t *top_ = paint();             \
        uint32_t before_ = timer();                 \
        call;                                       \
        (into) = took_since(top_, before_);         \
    } while (0)

/* Makes a call, and prints what it took. */
#define COST(name, call)           \
    do {                           \
        cost took_;                \
        MEASURED(took_, call);     \
        print_cost(name, took_);   \
    } while (0)

#endif
