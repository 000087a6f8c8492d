/** `SLUICE_LONG_TESTS=1` lets chaos and fuzzing run for minutes instead of half of one, and draws and combines many more cases. */
export const isLongForm = process.env['SLUICE_LONG_TESTS'] === '1';
