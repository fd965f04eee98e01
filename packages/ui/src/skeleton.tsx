import { useEffect, useState } from 'preact/hooks';

/** Rows shaped like the list that is coming; nothing for the first 200 ms, so that a quick answer does not flash. */
export function SkeletonRows({ rows = 4, label }: { readonly rows?: number; readonly label: string }) {
  const [due, setDue] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setDue(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="rows skeleton" role="status" aria-label={label} aria-busy="true">
      {due
        ? Array.from({ length: rows }, (_, index) => (
            <div key={index}>
              <span class="skel grow" />
            </div>
          ))
        : null}
    </div>
  );
}
