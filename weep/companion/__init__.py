"""What only the book needs: figures, tables and verdicts, data, searches, the derivation in SymPy, the benchmark."""
