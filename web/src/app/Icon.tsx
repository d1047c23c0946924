const PATHS = {
  edit: "M11.3 2.3a1.6 1.6 0 0 1 2.4 2.4L5.5 13 2 14l1-3.5z",
  delete: "M2.5 4h11M6 4V2.5h4V4m-6 0 .7 9.5h6.6L12 4M6.5 7v4M9.5 7v4",
  close: "M3.5 3.5l9 9m0-9-9 9",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zm3.6-1.4L14 14",
  add: "M8 2.5v11M2.5 8h11",
  restore: "M3 3v3.5h3.5M3.2 6.4A5.5 5.5 0 1 1 2.5 9",
} as const;

export const Icon = ({ name }: { name: keyof typeof PATHS }) => (
  <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
    <path d={PATHS[name]} />
  </svg>
);

/** Two rings that share a part. */
export const Mark = () => (
  <svg className="mark" viewBox="0 0 28 18" width="28" height="18" aria-hidden="true">
    <circle cx="9.5" cy="9" r="7" />
    <circle cx="18.5" cy="9" r="7" />
  </svg>
);
