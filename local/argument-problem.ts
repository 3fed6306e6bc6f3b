/** What is wrong with a command line, without what Node.js adds about other uses of its parser. */
export const argumentProblemOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .replace(/'\. (?:To specify a positional|This command does not).*$/s, "'.")
    .replace(
      /Option '(?:-\w, )?(--[\w-]+)(?: <value>)?' argument (?:missing|is ambiguous).*$/s,
      "Option '$1' needs a value.",
    );
};
