/* SPDX-License-Identifier: Apache-2.0 */
/* main.c -- telltale(1): finds the verb and runs it. */
int main(void)
{
    return 0;
}
