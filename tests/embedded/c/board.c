#include "board.h"

/* Of ../link.ld. */
extern uint32_t __data_start[], __data_end[], __bss_start[], __stack_top[];
extern const uint32_t __data_from[];

int main(void);
void reset(void);

static void semihost(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void leave(uint32_t code)
{
    /* SYS_EXIT_EXTENDED, ADP_Stopped_ApplicationExit. */
    uint32_t block[2] = {0x20026, code};
    for (;;)
        semihost(0x20, block);
}

void print(const char *text)
{
    semihost(0x04, text); /* SYS_WRITE0 */
}

static void fault(void)
{
    print("fault\n");
    leave(2);
}

void reset(void)
{
    const uint32_t *from = __data_from;
    for (uint32_t *to = __data_start; to < __data_end; to++)
        *to = *from++;
    for (uint32_t *to = __bss_start; to < __bss_end; to++)
        *to = 0;
    leave((uint32_t)main());
}

typedef void handler(void);

/* Where the stack begins, what to run on reset, and on each of the fourteen exceptions after it. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    handler *reset, *faults[14];
} vectors = {__stack_top, reset, {fault, fault, fault, fault, fault, fault, fault,
                                  fault, fault, fault, fault, fault, fault, fault}};

static void decimal(uint64_t number)
{
    char digits[22], *at = digits + sizeof digits;
    *--at = 0;
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    *--at = ' ';
    print(at);
}

void is(const char *name, uint64_t value)
{
    print("is ");
    print(name);
    decimal(value);
    print("\n");
}

void size(const char *name, uint64_t bytes)
{
    print("size ");
    print(name);
    decimal(bytes);
    print("\n");
}

void print_cost(const char *name, cost took)
{
    print("cost ");
    print(name);
    decimal(took.stack);
    decimal(took.instructions);
    print("\n");
}

/* SysTick: control, reload value, current value. It counts processor cycles down. */
#define TIMER ((volatile uint32_t *)0xe000e010)
#define LONGEST 0xffffffu

/* Instructions of one step of the timer. */
static uint32_t step;

uint32_t timer(void)
{
    return TIMER[2];
}

void start_timer(void)
{
    uint32_t turns = 1000000, left = turns;
    TIMER[1] = LONGEST;
    TIMER[2] = 0;
    TIMER[0] = 5;
    uint32_t before = timer();
    __asm__ volatile("1: subs %0, #1\n bne 1b" : "+r"(left) : : "cc");
    uint32_t steps = (before - timer()) & LONGEST;
    step = (2 * turns + steps / 2) / steps;
    is("instructions a step", step);
}

cost took_since(const uint32_t *top, uint32_t before)
{
    uint32_t steps = (before - timer()) & LONGEST;
    const volatile uint32_t *at = __bss_end;
    while (at < top && *at == PAINT)
        at++;
    return (cost){(uint32_t)((const uint8_t *)top - (const uint8_t *)at), steps * step};
}
