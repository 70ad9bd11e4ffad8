"""(owner writes this)"""
