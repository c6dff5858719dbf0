// Empty: beside a file of assembly a function may be without a body, as two of main.go are.
