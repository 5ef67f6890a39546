"""What a lender edits: settings, strategies, messages and regimes."""
