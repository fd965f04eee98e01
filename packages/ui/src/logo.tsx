/** The mark: the five ticks of the rule that every order walks along. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent-fill)" />
      <path
        d="M7.5 9v14M13.2 9v5.5M18.8 9v9.5M24.5 9v5.5"
        stroke="#fff"
        stroke-width="2.2"
        stroke-linecap="round"
        fill="none"
      />
    </svg>
  );
}
