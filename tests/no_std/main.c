/* A program without Rust's std: the answer of the library is the exit code. */
int ltms_no_std_check(void);

int main(void) { return ltms_no_std_check(); }
