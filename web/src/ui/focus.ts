/** Where the focus goes when the control that had it is gone; on touch screens no keyboard pops up. */
export function focusComposer(): void {
  const touch = matchMedia('(pointer: coarse)').matches;
  document.getElementById(touch ? 'main' : 'composer-input')?.focus({ preventScroll: true });
}
